import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { gatewayVariables } from "../../shared/aws/resources.ts";
import type { Environment } from "../../shared/runtime/settings.ts";
import { eventually } from "../support/eventually.ts";

const MAIN = new URL("../../gateway/main.ts", import.meta.url).pathname;

/** The gateway's process on AWS, over the tables that the environment names. */
export class GatewayProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #port: number;
  #output = "";

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        this.#output = (this.#output + chunk).slice(-20_000);
      });
  }

  /** Resolves when clients can connect. */
  static async start(port: number, environment: Environment): Promise<GatewayProcess> {
    const ports = { [gatewayVariables.plainPort]: String(port), [gatewayVariables.tlsPort]: "0" };
    const child = spawn(process.execPath, [MAIN], {
      env: { PATH: process.env.PATH, ...environment, ...ports },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const gateway = new GatewayProcess(child, port);
    await eventually("a gateway that listens", () => {
      if (gateway.hasEnded) throw new Error(`the gateway ended with ${child.exitCode}: ${gateway.#output}`);
      return gateway.#isOpen();
    });
    return gateway;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves when the port is closed, with the exit code still to come; null if the signal itself ended the process. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<{ readonly exit: Promise<number | null> }> {
    const exit = this.hasEnded
      ? Promise.resolve(this.#child.exitCode)
      : once(this.#child, "exit").then(([code]) => code as number | null);
    this.#child.kill(signal);
    if (signal === "SIGKILL") await exit;
    else await eventually("a closed port", async () => !(await this.#isOpen()));
    return { exit };
  }

  async #isOpen(): Promise<boolean> {
    const socket = connect(this.#port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.end("SIGKILL")).exit;
  }
}
