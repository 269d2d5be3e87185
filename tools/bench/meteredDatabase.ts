import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { findDynoxide } from "../../local/engines/dynoxide.ts";
import { freePort } from "../../local/freePort.ts";

const CHECK_EVERY_MILLIS = 10;

/**
 * The embedded DynamoDB's program as a server of its own, which says what each call would be charged. It takes any
 * caller, so the relay itself never runs it like this.
 */
export async function startMeteredDatabase(): Promise<{ endpoint: string; close(): Promise<void> }> {
  const port = await freePort();
  const child = spawn(findDynoxide(), ["serve", "--host", "127.0.0.1", "--port", String(port)], {
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  const endpoint = `http://127.0.0.1:${port}`;
  const answers = () =>
    fetch(endpoint).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await answers())) {
    if (child.exitCode !== null) throw new Error("the metered database does not start");
    await pause(CHECK_EVERY_MILLIS);
  }
  return {
    endpoint,
    close: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
