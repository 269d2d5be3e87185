import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";

const root = new URL("../../", import.meta.url);

/** `program | head -c 1` */
async function readOneChunk(main: string, ...options: string[]) {
  const child = spawn(process.execPath, [main, ...options], {
    cwd: root,
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.once("data", () => child.stdout.destroy());
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  return { errors, code };
}

it.each(["tools/conformance/main.ts", "local/main.ts", "local/main.ts --once"])(
  "%s ends quietly when nobody reads its output any more",
  async (command) => {
    const [main = "", ...options] = command.split(" ");
    const { errors, code } = await readOneChunk(main, ...options);
    expect(errors).not.toMatch(/EPIPE|Error|at .*\.ts/);
    expect(code).toBe(0);
  },
);
