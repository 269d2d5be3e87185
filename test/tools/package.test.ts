import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../local/freePort.ts";
import packageJson from "../../package.json" with { type: "json" };
import { buildPackage } from "../../tools/package/buildPackage.ts";
import { TestDirectory } from "../bridge/testBridge.ts";
import { AriPbx } from "../support/asterisk/ariPbx.ts";
import { eventually } from "../support/eventually.ts";
import { TestRelay } from "../support/testRelay.ts";

/*
 * What a user gets: packed, and installed into an empty folder without the optional engines, so that no registry is asked.
 * `PACKAGE_NODE=/path/to/node npx vitest run test/tools/package.test.ts` runs it with another Node.
 */

const NODE = process.env.PACKAGE_NODE ?? process.execPath;
const ROOT = join(import.meta.dirname, "../..");
const directory = new TestDirectory();
const user = join(directory.path, "user");
let tarball: string;

beforeAll(async () => {
  const built = join(directory.path, "built");
  await buildPackage(built);
  const packed = await promisify(execFile)("npm", ["pack", "--silent", built], { cwd: directory.path });
  tarball = join(directory.path, packed.stdout.trim());
  await mkdir(user);
  const install = [
    "install",
    "--offline",
    "--omit=optional",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    tarball,
  ];
  await promisify(execFile)("npm", install, { cwd: user });
}, 60_000);
afterAll(() => directory[Symbol.dispose]());

/** The shell's PATH begins with the Node that the programs run on. */
function start(program: string, args: readonly string[], environment: Record<string, string> = {}) {
  const child = spawn(join(user, "node_modules/.bin", program), args, {
    cwd: user,
    env: { PATH: `${dirname(NODE)}:${process.env.PATH}`, ...environment },
  });
  const shown = { output: "", errors: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    shown.output += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    shown.errors += chunk;
  });
  return { child, shown, ended: once(child, "close") };
}

async function run(program: string, args: readonly string[], input = "") {
  const { child, shown, ended } = start(program, args);
  child.stdin.end(input);
  const [code] = await ended;
  return { code, ...shown };
}

describe("the package", () => {
  it("is small, and has what it needs with it", async () => {
    expect((await stat(tarball)).size).toBeLessThan(2_000_000);
    const text = await readFile(join(user, "node_modules/stasis-relay/package.json"), "utf8");
    const { name, dependencies, optionalDependencies, version } = JSON.parse(text);
    expect({ name, dependencies, optionalDependencies, version }).toEqual({
      name: "stasis-relay",
      dependencies: undefined,
      optionalDependencies: {
        "@dynoxide/linux-x64": packageJson.optionalDependencies["@dynoxide/linux-x64"],
        fauxqs: packageJson.dependencies.fauxqs,
      },
      version: packageJson.version,
    });
    expect((await readdir(join(user, "node_modules"))).filter((name) => !name.startsWith("."))).toEqual([
      "stasis-relay",
    ]);
  });

  it("names the licenses of the code that is in it", async () => {
    const text = await readFile(join(user, "node_modules/stasis-relay/THIRD-PARTY-LICENSES"), "utf8");
    for (const name of [
      "commander",
      "ws",
      "zod",
      "yaml",
      "prom-client",
      "re2js",
      "hono",
      "undici",
      "@aws-sdk/client-sqs",
      "preact",
      "uplot",
      "swagger-ui-dist",
    ])
      expect(text).toMatch(new RegExp(`^${name}$`, "m"));
  });

  it.each(["stasis-relay-bridge", "stasis-relay"])("has the program %s", async (program) => {
    expect(await run(program, ["--version"])).toEqual({
      code: 0,
      output: `${packageJson.version}\n`,
      errors: "",
    });
    const help = await run(program, ["--help"]);
    expect(help.output).toContain(`Usage: ${program} [options] [command]`);
    expect(help.code).toBe(0);
  });

  it("converts events to AMI", async () => {
    const event = JSON.stringify({ type: "ChannelHold", channel: { id: "1.1", name: "PJSIP/a-1" } });
    expect((await run("stasis-relay", ["convert"], `${event}\n`)).output).toMatch(/^Event: Hold\r$/m);
  });

  it("says which engines are missing for a relay, and what to do", async () => {
    const { code, errors } = await run("stasis-relay", ["start", "--once"]);
    expect(code).toBe(1);
    expect(errors).toMatch(/^stasis-relay: There is no embedded DynamoDB .*--omit=optional/m);
    expect(errors).not.toMatch(/\bat .*:\d+:\d+/);
  });

  it("runs the whole relay with them, and its demo ends with a verdict", async () => {
    // As npm would install them; here they are those of the project.
    for (const name of ["@dynoxide", "fauxqs"])
      await symlink(join(ROOT, "node_modules", name), join(user, "node_modules", name));
    const relay = start("stasis-relay", ["start", "--once"], { PORT: "0", AMI_PORT: "0" });
    expect(await relay.ended).toEqual([0, null]);
    expect(relay.shown.output).toContain(
      "OK: all 453 events reached every session once, in order and unchanged",
    );
    expect(relay.shown.errors).toBe("");
  }, 60_000);

  it("serves the console and the reference, which are built into it", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const environment = { PORT: new URL(url).port, AMI_PORT: "0" };
    const relay = start("stasis-relay", ["start", "--no-replay"], environment);
    const page = await eventually(
      "the reference is served",
      () =>
        fetch(`${url}/docs`).then(
          (answer) => answer.text(),
          () => undefined,
        ),
      30_000,
    );
    const files = [...page.matchAll(/"(\/console\/assets\/[^"]+)"/g)].map(([, path = ""]) => path);
    expect(files).toHaveLength(5);
    for (const file of files) expect([file, (await fetch(url + file)).status]).toEqual([file, 200]);
    relay.child.kill("SIGINT");
    await relay.ended;
  }, 60_000);

  it("says in words what is wrong with a spool command", async () => {
    const { code, output, errors } = await run("stasis-relay-bridge", [
      ...["spool", "export", "office", "--data", join(directory.path, "none")],
    ]);
    expect([code, output]).toEqual([1, ""]);
    expect(errors.trimEnd().split("\n")).toHaveLength(1);
    expect(errors).not.toMatch(/\bat .*:\d+:\d+/);
  });

  it("checks its configuration, and brings a PBX's events into a relay", async () => {
    await using relay = await TestRelay.start();
    await using pbx = await AriPbx.start();
    await writeFile(
      join(user, "bridge.yaml"),
      `relay: { url: "${relay.relay.url}", key: { env: RELAY_KEY } }
spool: { directory: spool }
outside: { listen: "127.0.0.1:0" }
pbxs:
  - { feed: office, ari: { url: "${pbx.url}", user: ari, password: { env: ARI_PASSWORD } } }
`,
    );
    const secrets = { RELAY_KEY: "local", ARI_PASSWORD: "secret" };
    const validate = start("stasis-relay-bridge", ["validate", "--config", "bridge.yaml"], secrets);
    expect(await validate.ended).toEqual([0, null]);
    expect(validate.shown.output).toMatch(/^ok +PBX of the feed office/m);

    const bridge = start("stasis-relay-bridge", ["--config", "bridge.yaml"], secrets);
    try {
      await eventually("a connection", () => bridge.shown.output.includes("connected to the PBX"));
      pbx.emit(JSON.stringify({ type: "ChannelUserevent", n: 1 }));
      await eventually("the event", async () => {
        const { json } = await relay.call("GET", "/v1/feeds/office/messages?limit=100");
        return json?.messages?.some(({ type }: { type: string }) => type === "ChannelUserevent");
      });
      bridge.child.kill("SIGTERM");
      expect(await bridge.ended).toEqual([0, null]);
      expect(bridge.shown.errors).toBe("");
    } finally {
      bridge.child.kill("SIGKILL");
    }
  });
});
