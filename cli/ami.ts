import { readFile } from "node:fs/promises";
import type { Writable } from "node:stream";
import { startTunnel, type Tunnel } from "./tunnel.ts";
import { type Address, addressText } from "./tunnelAddress.ts";

export interface AmiOptions {
  readonly to: Address;
  readonly listen: Address;
  /** A file of certificates in PEM. */
  readonly ca?: string;
  readonly serverName?: string;
  readonly connections: number;
}

/** Runs a tunnel until a signal comes. Returns the exit code: 1 when it cannot begin. */
export async function runAmi(options: AmiOptions, output: Writable, errors: Writable): Promise<number> {
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
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
    return 1;
  }
  const listening = addressText({ ...options.listen, port: tunnel.port });
  output.write(
    `AMI clients connect to ${listening}; it leads to ${addressText(options.to)} over TLS. Ctrl-C stops it.\n`,
  );
  await stopped;
  await tunnel.close();
  return 0;
}

function explain(error: unknown, { listen, ca }: AmiOptions): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE")
    return `${addressText(listen)} is in use, perhaps by an Asterisk; --listen names another port`;
  if (code === "EACCES" && ca === undefined) return `this user may not listen on ${addressText(listen)}`;
  return error instanceof Error ? error.message : String(error);
}
