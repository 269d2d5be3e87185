import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Writable } from "node:stream";
import { type Command, InvalidArgumentError } from "commander";
import { EXIT, type ExitCode } from "../exitCodes.ts";
import { interruption } from "../interruption.ts";
import { numberOption } from "../terminal/numberOption.ts";
import { startTunnel, type Tunnel } from "../tunnel.ts";
import { type Address, addressText, readAddress } from "../tunnelAddress.ts";

export function define(command: Command): void {
  command
    .description(
      "Listens for AMI clients that cannot speak TLS, and passes their connections on to a gateway over TLS.",
    )
    .requiredOption("--to <host:port>", "the gateway; port 5039 if left out", address(5039))
    .option("--listen <host:port>", "where clients connect", address(5038), { host: "127.0.0.1", port: 5038 })
    .option("--ca <file>", "certificates to trust, in PEM, instead of the well-known ones")
    .option("--server-name <name>", "the name in the gateway's certificate, where it is not the host")
    .option(
      "--connections <number>",
      "the most clients at once",
      numberOption({ atLeast: 1, isWhole: true }),
      100,
    )
    .addHelpText(
      "after",
      `
Examples:
  stasis-relay ami --to ami.example.com
  stasis-relay ami --to 192.0.2.7 --server-name ami.example.com --ca ca.pem`,
    )
    .action(async (options: AmiOptions) => {
      process.exitCode = await runAmi(options, process.stdout, process.stderr);
    });
}

function address(defaultPort: number) {
  return (text: string): Address => {
    const read = readAddress(text, defaultPort);
    if (read === undefined) throw new InvalidArgumentError("must be HOST, HOST:PORT or [IPv6]:PORT");
    return read;
  };
}

interface AmiOptions {
  readonly to: Address;
  readonly listen: Address;
  /** A file of certificates in PEM. */
  readonly ca?: string;
  readonly serverName?: string;
  readonly connections: number;
}

/** Runs a tunnel until a signal comes. Fails when it cannot begin. */
async function runAmi(options: AmiOptions, output: Writable, errors: Writable): Promise<ExitCode> {
  using stop = interruption();
  let tunnel: Tunnel;
  try {
    tunnel = await startTunnel({
      to: options.to,
      listen: options.listen,
      ca: options.ca === undefined ? undefined : await readFile(options.ca),
      serverName: options.serverName,
      mostConnections: options.connections,
      say: (line) => void errors.write(`${line}\n`),
    });
  } catch (error) {
    errors.write(`${explain(error, options)}\n`);
    return EXIT.failed;
  }
  const listening = addressText({ ...options.listen, port: tunnel.port });
  output.write(
    `AMI clients connect to ${listening}; it leads to ${addressText(options.to)} over TLS. Ctrl-C stops it.\n`,
  );
  if (!stop.signal.aborted) await once(stop.signal, "abort");
  await tunnel.close();
  return EXIT.done;
}

function explain(error: unknown, { listen, ca }: AmiOptions): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE")
    return `${addressText(listen)} is in use, perhaps by an Asterisk; --listen names another port`;
  if (code === "EACCES" && ca === undefined) return `this user may not listen on ${addressText(listen)}`;
  return error instanceof Error ? error.message : String(error);
}
