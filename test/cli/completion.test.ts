import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../cli/commandList.ts";
import { Cli } from "../support/cli.ts";

const names = Object.values(COMMANDS)
  .flat()
  .map(({ name }) => name);
let script: string;
beforeAll(async () => {
  ({ output: script } = await new Cli({}).run(["completion", "bash"]));
});

async function completed(...words: string[]): Promise<string[]> {
  const typed = words.map((word) => `'${word}'`).join(" ");
  const { stdout } = await promisify(execFile)("bash", [
    "-c",
    `${script}\nCOMP_WORDS=(stasis-relay ${typed}); COMP_CWORD=${words.length}; _stasis_relay; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ]);
  return stdout.split("\n").filter((word) => word !== "");
}

describe("completion in bash", () => {
  it("knows every command", async () => {
    expect(await completed("")).toEqual(expect.arrayContaining(names));
    expect(await completed("se")).toEqual(["sessions", "session", "seek"]);
  });

  it("knows a command's options and their values, and those that every command has", async () => {
    expect(await completed("tail", "pbx-1", "--f")).toEqual(["--from", "--format"]);
    expect(await completed("tail", "pbx-1", "--format", "")).toEqual(["stasis", "ami"]);
    expect(await completed("feeds", "--js")).toEqual(["--json"]);
    expect(await completed("feed", "x", "--watch")).toEqual([]);
    expect(await completed("feeds", "--w")).toEqual(["--watch"]);
  });

  it("knows commands below commands", async () => {
    expect(await completed("keys", "c")).toEqual(["create"]);
    expect(await completed("keys", "create", "x", "--ro")).toEqual(["--role"]);
    expect(await completed("completion", "z")).toEqual(["zsh"]);
  });
});

it.each(["zsh", "fish"])("completion for %s names every command and asks nobody", async (shell) => {
  const { output, code } = await new Cli({ STASIS_RELAY_URL: "http://127.0.0.1:1" }).run([
    "completion",
    shell,
  ]);
  expect(code).toBe(0);
  for (const name of names) expect(output).toContain(name);
});
