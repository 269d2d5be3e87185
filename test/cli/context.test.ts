import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contextPath, readContexts, writeContexts } from "../../cli/context.ts";
import { resolveTarget } from "../../cli/target.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "stasis-relay-context-"));
});
afterAll(() => rm(directory, { recursive: true }));

const CONTEXTS = {
  current: "one",
  contexts: {
    one: { url: "https://one.example", key: "key-of-one" },
    two: { url: "https://two.example", key: "key-of-two" },
  },
};

async function home(): Promise<{ XDG_CONFIG_HOME: string }> {
  const XDG_CONFIG_HOME = await mkdtemp(join(directory, "home-"));
  await writeContexts(contextPath({ XDG_CONFIG_HOME }), CONTEXTS);
  return { XDG_CONFIG_HOME };
}

describe("the file of contexts", () => {
  it("is where XDG says, and a relative path counts as none", () => {
    expect(contextPath({ XDG_CONFIG_HOME: "/etc/me" })).toBe("/etc/me/stasis-relay/contexts.json");
    expect(contextPath({ XDG_CONFIG_HOME: "me" })).toMatch(/^\/.*\.config\/stasis-relay\/contexts\.json$/);
  });

  it("is closed when it is written, also over one that was open", async () => {
    const path = contextPath(await home());
    await chmod(path, 0o644);
    await writeContexts(path, CONTEXTS);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual(CONTEXTS);
  });

  it("is not read when others can read it, and the error says what to do", async () => {
    const path = contextPath(await home());
    await chmod(path, 0o640);
    await expect(readContexts(path)).rejects.toThrow(`chmod 600 ${path}`);
  });

  it("that is damaged is named without what is in it", async () => {
    const path = contextPath(await home());
    await writeFile(path, '{"contexts":{"a":{"url":"https://x","key":"a-key"');
    const error = await readContexts(path).catch((each: Error) => each);
    expect(String(error)).toContain("log in again");
    expect(String(error)).not.toContain("a-key");
  });

  it("may be absent", async () => {
    expect(await readContexts(join(directory, "none.json"))).toEqual({ contexts: {} });
  });
});

describe("the relay that is called", () => {
  it("is the local one where nothing is said", async () => {
    const target = await resolveTarget({}, { XDG_CONFIG_HOME: directory });
    expect(target).toMatchObject({ url: "http://127.0.0.1:8080", key: "local" });
  });

  it("is the current context's; an option wins over the environment, and that over the current one", async () => {
    const environment = await home();
    const url = async (options: { context?: string }, more: Record<string, string> = {}) =>
      (await resolveTarget(options, { ...environment, ...more })).url;
    expect(await url({})).toBe("https://one.example");
    expect(await url({}, { STASIS_RELAY_CONTEXT: "two" })).toBe("https://two.example");
    expect(await url({ context: "one" }, { STASIS_RELAY_CONTEXT: "two" })).toBe("https://one.example");
  });

  it("is an address and a key of the environment before those of a context, and of options before both", async () => {
    const environment = {
      ...(await home()),
      STASIS_RELAY_URL: "https://env.example/",
      STASIS_RELAY_KEY: "key-of-env",
    };
    expect(await resolveTarget({}, environment)).toMatchObject({
      url: "https://env.example",
      key: "key-of-env",
    });
    const keyFile = join(directory, "key");
    await writeFile(keyFile, "key-of-file\n");
    expect(await resolveTarget({ relay: "https://option.example", keyFile }, environment)).toMatchObject({
      url: "https://option.example",
      key: "key-of-file",
    });
  });

  it("gets no key of another relay", async () => {
    const environment = await home();
    await expect(resolveTarget({ relay: "https://other.example" }, environment)).rejects.toThrow(
      "There is no key for",
    );
    expect(await resolveTarget({ relay: "https://one.example/" }, environment)).toMatchObject({
      key: "key-of-one",
    });
    expect(await resolveTarget({ relay: "http://localhost:8080" }, environment)).toMatchObject({
      key: "local",
    });
  });

  it.each(["ftp://relay", "relay.example", "https://user:secret@relay.example"])(
    "has an address, unlike %s",
    async (relay) => {
      const error = await resolveTarget({ relay }, { STASIS_RELAY_KEY: "k" }).catch((each: Error) => each);
      expect(String(error)).toContain("--relay must");
      expect(String(error)).not.toContain(":secret@");
    },
  );

  it.each(["", "two words", "schlüssel"])("is called with a key that is one word, unlike %j", async (key) => {
    const keyFile = join(directory, "bad-key");
    await writeFile(keyFile, key);
    const error = await resolveTarget({ keyFile }, {}).catch((each: Error) => each);
    expect(String(error)).toContain("must have one key, and nothing else");
    if (key !== "") expect(String(error)).not.toContain(key);
  });
});
