import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Relay, startRelay } from "../../local/relay.ts";
import { until } from "./support/until.ts";

let parent: string;
let directory: string;
const relays: Relay[] = [];

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "stasis-relay-data-"));
  directory = join(parent, "data");
});

afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.stop();
  await rm(parent, { recursive: true, force: true });
});

async function start(dataDirectory = directory): Promise<Relay> {
  const relay = await startRelay({ environment: {}, port: 0, dataDirectory });
  relays.push(relay);
  return relay;
}

async function append(relay: Relay): Promise<number> {
  const headers = { authorization: "Bearer local", "content-type": "application/json" };
  const body = JSON.stringify([{ type: "ChannelCreated" }]);
  return (await fetch(`${relay.url}/v1/feeds/f/events`, { method: "POST", headers, body })).status;
}

async function health(relay: Relay): Promise<{ status: number; detail?: string }> {
  const response = await fetch(`${relay.url}/v1/health`);
  const { detail } = (await response.json()) as { detail?: string };
  return { status: response.status, ...(detail === undefined ? {} : { detail }) };
}

describe("the data directory", () => {
  it("is its owner's alone, with everything in it", async () => {
    const relay = await start();
    expect(await append(relay)).toBe(202);
    expect(await modesIn(parent, "data")).toEqual(new Set(["data 700", "file 600", "folder 700"]));
  });

  it("is made private when an earlier relay left it open", async () => {
    await (await start()).stop();
    relays.splice(0);
    for (const [path, mode] of [
      [directory, 0o755],
      [join(directory, "sqs"), 0o755],
      [join(directory, "dynamodb.sqlite"), 0o644],
      [join(directory, "sqs/fauxqs.db"), 0o644],
    ] as const)
      await chmod(path, mode);
    await start();
    expect(await modesIn(parent, "data")).toEqual(new Set(["data 700", "file 600", "folder 700"]));
  });

  it("is refused to a second relay, by whatever name, and both are named", async () => {
    await start();
    const link = join(parent, "link");
    await symlink(directory, link);
    for (const name of [directory, link, join(parent, "x/../data")])
      await expect(start(name)).rejects.toThrow(
        new RegExp(`${directory} is in use .*process ${process.pid}`),
      );
  }, 30_000);

  it("that is removed stops appends, and the health check says which file and what to do", async () => {
    const relay = await start();
    expect(await append(relay)).toBe(202);
    const away = join(parent, "away");
    await rename(directory, away);
    expect(await append(relay)).toBe(503);
    expect(await health(relay)).toEqual({ status: 503, detail: expect.stringContaining(directory) });
    await rename(away, directory);
    expect(await append(relay)).toBe(202);
    await rm(join(directory, "sqs/fauxqs.db"));
    expect(await append(relay)).toBe(503);
    expect(await health(relay)).toEqual({ status: 503, detail: expect.stringContaining("fauxqs.db") });
  });

  it.each(["dynamodb.sqlite", "sqs/fauxqs.db"])(
    "with a damaged %s is refused, and the file is named",
    async (file) => {
      await mkdir(join(directory, "sqs"), { recursive: true });
      await writeFile(join(directory, file), "this is no database, whatever its name says".repeat(100));
      await expect(start()).rejects.toThrow(new RegExp(`${file} is damaged.*not a database`));
    },
  );

  it.each(["/proc/relay", "/dev/null", "/dev/null/data"])(
    "cannot be %s, and the error says so",
    async (path) => {
      await expect(start(path)).rejects.toThrow(new RegExp(`^${path}: `));
    },
  );

  it("of other things keeps its mode", async () => {
    await mkdir(directory, { mode: 0o755 });
    await writeFile(join(directory, "other.txt"), "");
    await start();
    expect((await stat(directory)).mode & 0o777).toBe(0o755);
  });
});

/** These need to mount a file system. */
const canMount = process.platform === "linux" && process.getuid?.() === 0;

describe.runIf(canMount)("a file system of its own", () => {
  const run = promisify(execFile);

  beforeEach(async () => {
    await mkdir(directory);
    await run("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", directory]);
  });

  afterEach(async () => {
    await run("umount", ["--lazy", directory]);
  });

  it("that is full stops appends and says so, and the relay goes on when there is room", async () => {
    const relay = await start();
    expect(await append(relay)).toBe(202);
    await run("dd", ["if=/dev/zero", `of=${directory}/filler`, "bs=64k"]).catch(() => {});
    expect(await append(relay)).toBe(503);
    expect(await health(relay)).toEqual({
      status: 503,
      detail: expect.stringMatching(/no space .*Make room/),
    });
    await rm(join(directory, "filler"));
    await until(async () => (await append(relay)) === 202, "appends are accepted again");
    expect(await health(relay)).toEqual({ status: 200 });
  });
});

/** A file system that its driver makes read-only after an error, as a failing disk does. */
const canFail = canMount && ["/dev/loop-control", "/usr/sbin/mkfs.ext4"].every((file) => existsSync(file));

describe.runIf(canFail)("a file system with errors", () => {
  const run = promisify(execFile);

  beforeEach(async () => {
    const image = join(parent, "image");
    await mkdir(directory);
    await writeFile(image, "");
    await truncate(image, 32 * 1024 * 1024);
    await run("/usr/sbin/mkfs.ext4", ["-q", image]);
    await run("mount", ["-o", "loop", image, directory]);
  });

  afterEach(async () => {
    await run("umount", ["--lazy", directory]);
  });

  it("that becomes read-only stops appends, and the health check says which directory and what to do", async () => {
    const relay = await start();
    expect(await append(relay)).toBe(202);
    await run("mount", ["-o", "remount,abort", directory]);
    expect(await append(relay)).toBe(503);
    // Why is tried every 100 ms. Until then, the answer is that of the engine whose write failed.
    await until(
      async () => /cannot be written/.test((await health(relay)).detail ?? ""),
      "the reason is found",
    );
    expect(await health(relay)).toEqual({
      status: 503,
      detail: expect.stringMatching(
        new RegExp(`${directory} cannot be written: .*read-only.*Make it writable`),
      ),
    });
  });
});

/** The modes of everything below a directory, the files and folders as one each. */
async function modesIn(folder: string, root: string): Promise<Set<string>> {
  const modes = new Set([`data ${((await stat(join(folder, root))).mode & 0o777).toString(8)}`]);
  for (const entry of await readdir(join(folder, root), { recursive: true, withFileTypes: true })) {
    const { mode } = await stat(join(entry.parentPath, entry.name));
    modes.add(`${entry.isDirectory() ? "folder" : "file"} ${(mode & 0o777).toString(8)}`);
  }
  return modes;
}
