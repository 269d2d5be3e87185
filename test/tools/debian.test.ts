import { execFile } from "node:child_process";
import { mkdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { buildDebianPackage } from "../../tools/package/debian.ts";
import { TestDirectory } from "../bridge/testBridge.ts";

/* What dpkg would put on a machine, put into a folder. */

const run = promisify(execFile);
const directory = new TestDirectory();
const installed = join(directory.path, "installed");
let file: string;

beforeAll(async () => {
  file = await buildDebianPackage(directory.path);
  await mkdir(installed);
  await run("dpkg-deb", ["--raw-extract", file, installed]);
}, 60_000);
afterAll(() => directory[Symbol.dispose]());

const textOf = (path: string) => readFile(join(installed, path), "utf8");

describe("the Debian package", () => {
  it("says what it is and that it needs Node", async () => {
    const { stdout } = await run("dpkg-deb", [
      "--field",
      file,
      "Package",
      "Version",
      "Architecture",
      "Depends",
    ]);
    expect(stdout).toBe(
      `Package: stasis-relay\nVersion: ${packageJson.version}\nArchitecture: all\nDepends: nodejs (>= 22.19)\n`,
    );
  });

  it.each(["stasis-relay", "stasis-relay-bridge"])("has the program %s", async (program) => {
    const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
    const { stdout } = await run(join(installed, "usr/bin", program), ["--version"], { env: { PATH } });
    expect(stdout).toBe(`${packageJson.version}\n`);
  });

  it.each([
    [
      "stasis-relay-bridge",
      /^(\/usr\/bin\/stasis-relay-bridge) --config \/etc\/stasis-relay-bridge\/bridge.yaml$/,
    ],
    [
      "stasis-relay-ami",
      /^(\/usr\/bin\/stasis-relay) ami --to \$\{AMI_TO\} --listen \$\{AMI_LISTEN\} \$AMI_OPTIONS$/,
    ],
  ])("has the unit %s, whose program and guide are where it says", async (unit, command) => {
    const lines = (await textOf(`usr/lib/systemd/system/${unit}.service`)).split("\n");
    const [started = ""] = lines.flatMap((line) => /^ExecStart=(.*)/.exec(line)?.[1] ?? []);
    expect(started).toMatch(command);
    const [guide = ""] = lines.flatMap((line) => /^Documentation=file:\/\/(.*)/.exec(line)?.[1] ?? []);
    for (const path of [command.exec(started)?.[1] ?? "", guide])
      expect((await stat(join(installed, path))).isFile()).toBe(true);
    expect(lines.filter((line) => line.includes("/opt/"))).toEqual([]);
  });

  it("keeps what a user sets, shows secrets to root alone, and belongs to root", async () => {
    expect(await textOf("DEBIAN/conffiles")).toBe("/etc/default/stasis-relay-ami\n");
    expect(await textOf("etc/default/stasis-relay-ami")).toMatch(/^AMI_TO=/m);
    const { stdout } = await run("dpkg-deb", ["--contents", file]);
    expect(stdout).toMatch(/^drwxr-xr-x root\/root .* \.\/$/m);
    expect(stdout).toMatch(/^drwx------ root\/root .* \.\/etc\/stasis-relay-bridge\/$/m);
    for (const line of stdout.trim().split("\n")) expect(line).toContain(" root/root ");
  });

  it("has the terms of the code in its bundles", async () => {
    expect(await textOf("usr/share/doc/stasis-relay/THIRD-PARTY-LICENSES")).toMatch(/^undici$/m);
  });
});
