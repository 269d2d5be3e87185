import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSecret } from "../../../bridge/config/secrets.ts";
import { singleConfig } from "../../../bridge/config/single.ts";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bridge-secrets-"));
  writeFileSync(join(folder, "good"), "s3cret\n");
  writeFileSync(join(folder, "empty"), "\n");
  writeFileSync(join(folder, "large"), "x".repeat(5_000));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("a secret", () => {
  it("comes from a variable, a file or a systemd credential, without its line end", () => {
    expect(readSecret({ env: "KEY" }, "relay.key", { KEY: "s3cret" })).toBe("s3cret");
    expect(readSecret({ file: join(folder, "good") }, "relay.key", {})).toBe("s3cret");
    expect(readSecret({ credential: "good" }, "relay.key", { CREDENTIALS_DIRECTORY: folder })).toBe("s3cret");
  });

  it.each([
    [{ env: "KEY" }, "relay.key: the environment variable KEY is not set"],
    [{ file: "/nowhere/key" }, "relay.key: the file /nowhere/key cannot be read (ENOENT)"],
    [
      { credential: "good" },
      "relay.key: the credential good needs systemd's LoadCredential, and CREDENTIALS_DIRECTORY is not set",
    ],
  ])("that is not at %j is missed by name", (place, message) => {
    expect(() => readSecret(place, "relay.key", {})).toThrow(message);
  });

  it("is neither empty nor large", () => {
    expect(() => readSecret({ file: join(folder, "empty") }, "k", {})).toThrow("is empty");
    expect(() => readSecret({ file: join(folder, "large") }, "k", {})).toThrow("has more than 4096 bytes");
  });
});

describe("one PBX by flags and variables", () => {
  const variables = {
    BRIDGE_RELAY_URL: "http://127.0.0.1:8080",
    BRIDGE_FEED: "pbx-1",
    BRIDGE_ARI_USER: "relay",
    BRIDGE_SPOOL: "/tmp/spool",
  };

  it("needs no file, and a flag wins over its variable", () => {
    expect(singleConfig({ ari: "http://h:8088", feed: "pbx-2" }, variables)).toMatchObject({
      relay: { url: "http://127.0.0.1:8080", key: { env: "BRIDGE_RELAY_KEY" } },
      pbxs: [
        {
          feed: "pbx-2",
          ari: { url: "http://h:8088", user: "relay", password: { env: "BRIDGE_ARI_PASSWORD" } },
        },
      ],
    });
  });

  it("may have Manager beside ARI, or alone", () => {
    const ami = { host: "h", port: 5038, user: "u", secret: { env: "BRIDGE_AMI_SECRET" } };
    const both = singleConfig({ ari: "http://h", ami: "h:5038", amiUser: "u" }, variables);
    expect(both.pbxs[0]).toMatchObject({ ari: { url: "http://h" }, ami });
    expect(singleConfig({ ami: "h", amiUser: "u" }, variables).pbxs[0]?.ami).not.toHaveProperty("port");
  });

  it.each([
    [{}, "--ari, --ami: needs a PBX: --config FILE, --ari URL, --ami HOST:PORT, or both"],
    [
      { ari: "h" },
      "--ari <url> (BRIDGE_ARI_URL): pbxs[0].ari.url must be an address that begins with http:// or https://, without a user or password in it",
    ],
    [
      { ami: "h:99999", amiUser: "u" },
      "--ami <host:port> (BRIDGE_AMI): pbxs[0].ami.port must be a port from 1 to 65535",
    ],
    [
      { ari: "http://h", feed: "a b" },
      "--feed <name> (BRIDGE_FEED): pbxs[0].feed must be 1 to 64 letters, digits, dots, hyphens or underscores",
    ],
  ])("with %j says which flag and variable are wrong", (flags, message) => {
    expect(() => singleConfig(flags, variables)).toThrow(message);
  });
});
