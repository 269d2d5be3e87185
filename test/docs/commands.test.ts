import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NodeReceiver } from "../../client/nodeReceiver.ts";
import { freePort } from "../../local/freePort.ts";
import { AmiClient } from "../support/amiClient.ts";
import { AriPbx } from "../support/asterisk/ariPbx.ts";
import { eventually } from "../support/eventually.ts";
import { Commands } from "./commands.ts";
import { blocksOf, ROOT } from "./documents.ts";
import { Terminal } from "./terminal.ts";

/*
 * Types the commands of the documents into terminals, as a reader does, and looks at what a reader is told to see. Only
 * the ports are others.
 */

/** Commands that no test can run on any machine, and why. */
const NOT_RUN: readonly { readonly document: string; readonly part: string; readonly why: string }[] = [
  { document: "README.md", part: "npm ci && npm test", why: "would run this test in itself" },
  { document: "CONTRIBUTING.md", part: "npm ci", why: "replaces the packages that run this test" },
  { document: "CONTRIBUTING.md", part: "npm test", why: "would run this test in itself" },
  ...["README.md", "docs/deploying.md"].flatMap((document) => [
    { document, part: "npm ci", why: "replaces the packages that run this test" },
    { document, part: "npx cdk bootstrap", why: "needs an AWS account" },
    { document, part: "npx cdk deploy", why: "needs an AWS account" },
  ]),
  ...[
    "sudo npm install",
    "sudo ln -s",
    "cd /opt",
    "sudo install -D",
    "sudo install -d",
    "sudo install -m 644",
    "sudo env CREDENTIALS_DIRECTORY",
    "sudo systemctl enable",
    "journalctl",
  ].map((part) => ({ document: "docs/connect-asterisk.md", part, why: "changes the system's services" })),
  ...[
    ["docs/connect-asterisk.md", "npm install --omit"],
    ["docs/connect-asterisk.md", "npx stasis-relay-bridge validate"],
    ["docs/connect-asterisk.md", "npx stasis-relay-bridge --config"],
    ["docs/install.md", "npm run package "],
    ["docs/install.md", "npm install ./"],
    ["docs/install.md", "npx stasis-relay start"],
    ["docs/install.md", "npx stasis-relay --help"],
    ["docs/install.md", "npx stasis-relay-bridge --help"],
    ["docs/install.md", "npm run package:deb"],
  ].map(([document = "", part = ""]) => ({
    document,
    part,
    why: "test/tools/package.test.ts and debian.test.ts make the packages and run what is in them",
  })),
  ...[
    "sudo apt install",
    "sudo cp",
    "enable --now stasis-relay-bridge",
    "sudo nano",
    "enable --now stasis-relay-ami",
  ].map((part) => ({ document: "docs/install.md", part, why: "changes the system's services" })),
  ...["--target bridge", "--target relay", "docker run -v", "docker run -p"].map((part) => ({
    document: "docs/install.md",
    part,
    why: "needs Docker, which the machines of this project have not",
  })),
  { document: "README.md", part: "--asterisk", why: "docs/connect-asterisk.md has it too" },
  { document: "docs/deploying.md", part: "aws secretsmanager get", why: "needs an AWS account" },
  { document: "docs/deploying.md", part: "curl https://", why: "needs an AWS account" },
  { document: "docs/deploying.md", part: "aws secretsmanager put", why: "needs an AWS account" },
  { document: "docs/operating.md", part: "aws dynamodb get-item", why: "needs an AWS account" },
  { document: "docs/deploying.md", part: "npx cdk destroy", why: "needs an AWS account" },
  ...[
    ["README.md", "npm run ministack"],
    ["README.md", "npm run deploy:local"],
    ["docs/local-clouds.md", "npm run ministack"],
    ["docs/local-clouds.md", "npm run deploy:local"],
    ["docs/local-clouds.md", "npm run test:deployed"],
    ["docs/local-clouds.md", "npm run test:local-cloud"],
  ].map(([document = "", part = ""]) => ({
    document,
    part,
    why: "takes minutes: .ci/run does all of it with test:local-cloud",
  })),
  {
    document: "docs/ami-clients.md",
    part: "relay -- ami --to",
    why: "needs a gateway with TLS; test/cli has one",
  },
  ...[
    "SEED=17 SEEDS=1",
    "SEED=17 npx",
    "npm run torture -- --minutes",
    "npm run torture -- --schedules",
    "npm run torture -- --bridge",
    "npm run torture -- --gateway restarts",
    "npm run torture -- --gateway replay",
    "npm run torture -- --gateway floods",
  ].map((part) => ({
    document: "docs/testing.md",
    part,
    why: "takes minutes, and npm test has these tests",
  })),
];

const commands = new Commands();
let relayPort: number;
let receiverPort: number;
let amiPort: number;
let amiHttpPort: number;
let relay: Terminal;
/** Where a reader of a document with files works. */
let folder: string;

/** With the ports of this test. */
const typed = (text: string) =>
  text
    .replaceAll(":8080", `:${relayPort}`)
    .replaceAll(":8090", `:${amiHttpPort}`)
    .replaceAll(":9000", `:${receiverPort}`);
/** With packages installed. */
const withoutInstall = (text: string) => text.replace("npm ci && ", "");

beforeAll(async () => {
  [relayPort, receiverPort] = [await freePort(), await freePort()];
  [amiPort, amiHttpPort] = [await freePort(), await freePort()];
  folder = await mkdtemp(join(tmpdir(), "stasis-relay-docs-"));
  relay = new Terminal({
    PORT: String(relayPort),
    AMI_PORT: String(amiPort),
    AMI_HTTP_PORT: String(amiHttpPort),
  });
  await relay.start(commands.take("docs/interface.md", "npm start -- --no-replay"), "Ctrl-C stops");
});

afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
  await rm(join(ROOT, "receiver-state.json"), { force: true });
});

/** A session's id and secret, created with a document's command. */
function createdBy(printed: string): { id: string; secret: string } {
  const [id = ""] = /ses_[0-9a-f]+/.exec(printed) ?? [];
  const [, secret = ""] = /"secret":"(whsec_[^"]+)"/.exec(printed) ?? [];
  expect(id).not.toBe("");
  expect(secret).not.toBe("");
  return { id, secret };
}

describe("README", () => {
  it("starts a demo that ends with a verdict", async () => {
    const demoAmiPort = await freePort();
    await using terminal = new Terminal({ PORT: String(await freePort()), AMI_PORT: String(demoAmiPort) });
    const command = withoutInstall(commands.take("README.md", "npm ci && npm start"));
    const shown = await terminal.start(command, "The relay goes on");
    const [, login = ""] = /^ *\(printf '(Action: Login.*)'; cat\) \| nc/m.exec(shown) ?? [];
    using client = await AmiClient.connect(demoAmiPort);
    client.send(login.replaceAll("\\r\\n", "\r\n"));
    expect(await client.take("Event: Hangup\r\n")).toContain("Event: Newchannel\r\n");
    expect(shown).toContain("OK: all 453 events reached every session once, in order and unchanged");
    for (const [, delivered, all, lag] of shown.matchAll(/delivered +(\d+) of +(\d+) +lag +(\d+)/g))
      expect(Number(delivered) + Number(lag)).toBe(Number(all));
  });

  it("has an event for the five minutes", async () => {
    await using reader = new Terminal();
    expect(await reader.run(typed(commands.take("README.md", "feeds/demo/events")))).toContain(
      '"accepted":1',
    );
  });

  it("converts and filters what is recorded, and compares it with Asterisk", async () => {
    await using reader = new Terminal();
    const run = (part: string) => reader.run(commands.take("README.md", part));
    expect(await run("relay -- convert")).toMatch(/^Event: Newchannel\r$/m);
    const filtered = await run("relay -- filter");
    expect(filtered).toMatch(/^Event: Hangup\r$/m);
    expect(filtered).not.toMatch(/^Event: New/m);
    expect(await run("npm run conformance")).toContain("OK: no other difference");
  });
});

describe("docs/interface.md", () => {
  it("leads through the interface, call by call, to messages that a receiver prints", async () => {
    await using reader = new Terminal({ PORT: String(receiverPort) });
    const run = (...parts: string[]) => reader.run(typed(commands.take("docs/interface.md", ...parts)));

    await run("api=", "call() {");
    expect(await run("created=", 'echo "$created"')).toMatch(/"state":"active".*"secret":"whsec_/);
    await reader.start(
      typed(
        commands.take(
          "docs/interface.md",
          "SESSION=",
          "export WEBHOOK_SECRET",
          "npx node examples/receiver.ts &",
        ),
      ),
      `listening at http://127.0.0.1:${receiverPort}/`,
    );
    expect(await run('-d \'[{"type":"ChannelCreated","timestamp"')).toContain('"accepted":1');
    await reader.until("1 2026-11-27T08:00:00.000+0000 ChannelCreated");

    expect(await run("Relay-Position: 1")).toContain('"accepted":1,"duplicates":0');
    expect(await run("Relay-Position: 1")).toContain('"accepted":0,"duplicates":1');
    await reader.until(/^2 \S+ Dial$/m);
    expect(await run("call $api/sessions ")).toMatch(/"state":"active".*"lagMessages":\d+.*"attempts":0/);
    expect(await run("messages?from=1")).toContain('"sequence":2,"type":"Dial"');

    expect(await run('"state":"paused"')).toContain('"state":"paused"');
    expect(await run('"filter":{"types"')).toContain('"filter":{"types":["ChannelDestroyed"]}');
    expect(await run('[{"type":"ChannelCreated"},{"type":"ChannelDestroyed"}]')).toContain('"accepted":2');
    expect(await run('"state":"active"')).toContain('"state":"active"');
    await reader.until(/^4 \S+ ChannelDestroyed$/m);
    expect(reader.output).not.toMatch(/^3 /m);

    const seen = reader.output.length;
    expect(await run("rm receiver-state.json", '"next":1')).toContain('"filter":null');
    // The shell shares the terminal with the receiver, so its answer may stand between the receiver's lines.
    await reader.until(
      /1 \S+ ChannelCreated[\s\S]*2 \S+ Dial[\s\S]*3 \S+ ChannelCreated[\s\S]*4 \S+ ChannelDestroyed/,
      seen,
    );
    expect(await run('"rotateSecret":true')).toContain('"secret":"whsec_');
    expect(await run("-X DELETE")).toBe("204");
    await run("kill %1");

    await relay.until(/pbx-1: appended \d+/);
    await relay.until(/pbx-1: .*delivered \d+/);
  });
});

describe("docs/keys.md", () => {
  it("makes a key, uses it within its role, and revokes it", async () => {
    await using reader = new Terminal();
    const run = (...parts: string[]) => reader.run(typed(commands.take("docs/keys.md", ...parts)));
    expect(await run("relay=", "call() {", "created=", 'echo "$created"')).toMatch(
      /"role":"producer","feeds":\["pbx-1"\].*"key":"srk_/,
    );
    expect(await run("KEY=", '-d \'[{"type":"Dial"}]\'')).toContain('"accepted":1');
    expect(await run('feeds/pbx-1 -H "Authorization')).toContain('"code":"key.role"');
    expect(await run("call $relay/keys ")).toContain('"name":"bridge of pbx-1"');
    expect(await run("ID=", "-X DELETE")).toContain("204");
  });
});

describe("docs/ami.md", () => {
  it("has a session that the recorded calls reach, without what its filter leaves out", async () => {
    await using reader = new Terminal();
    const run = (part: string) => reader.run(typed(commands.take("docs/ami.md", part)));
    const { id, secret } = createdBy(await run('"format": "ami"'));
    await using receiver = new Terminal({
      PORT: String(receiverPort),
      WEBHOOK_SECRET: secret,
      STATE_FILE: join(folder, "ami-state.json"),
    });
    await receiver.start("npx node examples/receiver.ts", "listening at");
    expect(await run("stasis.ndjson.gz")).toContain('"accepted":453');
    await receiver.until(/Newchannel\n(?:.*\n)*.*Hangup/);
    expect(receiver.output).not.toMatch(/VarSet|Newexten/);
    await reader.run(
      `curl -sS -X DELETE -H 'Authorization: Bearer local' http://127.0.0.1:${relayPort}/v1/sessions/${id}`,
    );
  });

  it("converts and filters on the command line", async () => {
    await using reader = new Terminal();
    const run = (part: string) => reader.run(commands.take("docs/ami.md", part));
    expect(await run("relay -- convert")).toMatch(/^Event: Newchannel\r$/m);
    const filtered = await run("relay -- filter");
    expect(filtered).toMatch(/^Channel: Local.*;1\r$/m);
    expect(filtered).not.toMatch(/^Channel: .*;2\r$/m);
    expect(await run("relay -- help")).toContain("Usage: stasis-relay");
  });
});

describe("docs/connect-asterisk.md", () => {
  const CREATED = JSON.stringify({
    type: "ChannelCreated",
    timestamp: "2026-11-27T08:00:24.396+0000",
    channel: {
      id: "1.1",
      name: "PJSIP/alice-00000001",
      state: "Ring",
      caller: { name: "Alice", number: "1001" },
      dialplan: { context: "office", exten: "200", priority: 1 },
    },
  });

  it("brings the calls of an Asterisk into a relay, and shows them", async () => {
    await using pbx = await AriPbx.start({ user: { name: "relay", password: "PASSWORD", isReadOnly: true } });
    await using terminal = new Terminal({ PORT: String(await freePort()) });
    const command = commands.take("docs/connect-asterisk.md", "npm start -- --asterisk");
    await terminal.start(command.replace(":8088", `:${pbx.port}`), "connected to the PBX version=23.5.0");
    await terminal.until("snapshot    channels 0");
    pbx.emit(CREATED);
    await terminal.until("pbx-1: 08:00:24 new call    PJSIP/alice-00000001  1001 → 200");
  });

  it("checks, shows and runs the bridge with variables", async () => {
    await using pbx = await AriPbx.start({ user: { name: "relay", password: "PASSWORD", isReadOnly: true } });
    const environment = { BRIDGE_OUTSIDE: "127.0.0.1:0" };
    await using terminal = new Terminal(environment);
    const run = (part: string) =>
      terminal.run(
        typed(commands.take("docs/connect-asterisk.md", part))
          .replace(":8088", `:${pbx.port}`)
          .replace(".data/bridge", join(folder, "bridge")),
      );
    await run("export BRIDGE_RELAY_URL");
    await run("export BRIDGE_ARI_URL");
    await run("export BRIDGE_FEED");
    expect(await run("-- validate")).toMatch(/^ok {5}PBX of the feed pbx-2 +Asterisk 23\.5\.0/m);
    expect(await run("-- doctor")).toMatch(/^ +entity id +02:fc:00:00:00:01$/m);
    await terminal.start(commands.take("docs/connect-asterisk.md", "npm run -s bridge  "), "the bridge runs");
    await terminal.until('"message":"connected to the PBX"');
    pbx.emit(CREATED);
    await relay.until(/pbx-2: appended \d+/);
  });
});

describe("docs/ami-clients.md", () => {
  it("has a user who logs in over TCP and HTTP, and is given the recorded calls", async () => {
    await using reader = new Terminal();
    const run = (part: string) => reader.run(typed(commands.take("docs/ami-clients.md", part)));
    expect(await run('"kind": "ami"')).toContain('"secret":"wallboard-secret"');

    // Without nc, which not every machine has: the printf before it writes the login.
    const login = commands
      .take("docs/ami-clients.md", "| nc 127.0.0.1 5038")
      .replace("; cat) | nc 127.0.0.1 5038", ")");
    using client = await AmiClient.connect(amiPort);
    client.send(`${await reader.run(login)}\r\n\r\n`);
    await client.take("Message: Authentication accepted\r\n\r\n");
    expect(await run("stasis.ndjson.gz")).toContain('"accepted":453');
    const calls = await client.take("Event: Hangup\r\n");
    expect(calls).toMatch(/^Event: Newchannel\r\n(?:.+\r\n)*RelaySequence: \d+\r\n/m);
    expect(calls).not.toContain("VarSet");

    await run("url=");
    expect(await run("action=login")).toContain("Authentication accepted");
    await fetch(`http://127.0.0.1:${relayPort}/v1/feeds/pbx-1/events`, {
      method: "POST",
      headers: { authorization: "Bearer local", "content-type": "text/x-ami" },
      body: "Event: UserEvent\r\nPrivilege: user,all\r\nUserEvent: Hello\r\n\r\n",
    });
    expect(await run("action=waitevent")).toMatch(/^Event: /m);
    expect(await run("action=logoff")).toContain("Response: Goodbye");
    await run("rm cookies");
  });

  it("shows the programs that test/clients runs", () => {
    const programs = (folder: string, isProgram: RegExp) =>
      readdirSync(join(ROOT, "test/clients", folder))
        .filter((name) => isProgram.test(name))
        .map((name) => readFileSync(join(ROOT, "test/clients", folder, name), "utf8"));
    expect(blocksOf("docs/ami-clients.md", "js").sort()).toEqual(programs("node", /\.[mc]js$/).sort());
    expect(blocksOf("docs/ami-clients.md", "python").sort()).toEqual(programs("python", /\.py$/).sort());
  });
});

describe("docs/cli.md", () => {
  it("works with a relay, command by command", async () => {
    const endpoint = await NodeReceiver.start({ port: receiverPort, answer: () => ({ status: 204 }) });
    await using terminal = new Terminal({ XDG_CONFIG_HOME: folder });
    const take = (...parts: string[]) => typed(commands.take("docs/cli.md", ...parts));
    const run = (...parts: string[]) => terminal.run(take(...parts));

    expect(await run("stasis-relay() {", "--help")).toContain("Usage: stasis-relay [options] [command]");
    expect(await run("echo local")).toContain("(context here); the key may do everything");
    expect(await run("-relay context")).toContain("from the context here");
    expect(await run("doctor")).toMatch(/^ok +health/m);

    expect(await run("append office")).toContain("453 events appended to office");
    expect(await run("-relay feeds")).toMatch(/^office +453 /m);
    expect(await run("tail office")).toMatch(/^ +\d+ .*ChannelDestroyed +User busy +Local/m);

    const shown = terminal.output.length;
    await terminal.start(take("listen office"), /^440-453 .* → 204 /m);
    expect(terminal.output.slice(shown)).toContain("Listening to office from 440 on");
    await endpoint[Symbol.asyncDispose]();

    await using other = new Terminal({ XDG_CONFIG_HOME: folder });
    const then = (...parts: string[]) => other.run(take(...parts));
    await other.run('stasis-relay() { npm run -s relay -- "$@"; }');
    expect(await then("subscribe office")).toMatch(/^secret +whsec_/m);
    await then("ID=");
    await eventually("a backoff", async () => /backoff/.test(await other.run("stasis-relay session $ID")));
    expect(await then("sessions --feed office  ")).toMatch(/connection\.refused: nothing listens/);
    expect(await then("session $ID  ")).toMatch(/^trouble +try \d+/m);
    expect(await then("explain $ID")).toMatch(/^waiting \((backoff|batch)\)/);

    expect(await then("pause $ID")).toContain("is paused; its next message is 1");
    expect(await then("change $ID")).toContain("read call; event filters '!Event: VarSet'");
    await expect(then("seek $ID --to tail ")).rejects.toThrow(/ended with 6: .*never get 453 messages/s);
    expect(await then("seek $ID --to tail --yes")).toContain("stands at 454");
    expect(await then("resume $ID")).toContain("goes on at 454");
    expect(await then("replay $ID")).toMatch(/^453 messages of office, 1 to 453/m);
    expect(await then("rotate $ID")).toMatch(/^secret +whsec_/m);
    expect(await then("delete $ID")).toContain("is deleted");

    expect(await then("WEBHOOK_SECRET=", "now=", "signature=", "verify-signature")).toContain(
      "OK: msg_1 is signed",
    );
    expect(await then("keys create")).toMatch(/^key +srk_/m);
    expect(await then("-relay keys")).toContain("bridge of office");
    expect(await then("KEY=", "keys revoke")).toContain("is revoked");
    await then("source <(");
  }, 120_000);
});

describe("docs/producers.md", () => {
  it("sends an event over SQS with what npm start prints", async () => {
    const [exported = ""] =
      /^ *export AWS_ENDPOINT_URL_SQS=.*$/m.exec(await relay.until("AWS_SECRET_ACCESS_KEY")) ?? [];
    await using sender = new Terminal();
    await sender.run(exported.trim());
    const shown = relay.output.length;
    expect(await sender.run(commands.take("docs/producers.md", "sqsProducer.ts"))).toMatch(/^sent as \S+$/);
    await relay.until("pbx-1: appended 1", shown);
  });
});

describe("docs/webhooks.md", () => {
  it.each([
    ["Node", "js", "receiver.mjs", "node receiver.mjs"],
    ["Python", "python", "receiver.py", "python3 receiver.py"],
  ])("has a whole receiver in %s", async (language, fence, file, command) => {
    const [code = ""] = blocksOf("docs/webhooks.md", fence);
    const directory = await mkdtemp(join(folder, `${fence}-`));
    await writeFile(join(directory, file), code);
    const database = join(directory, "calls.db");
    const port = await freePort();
    const api = `http://127.0.0.1:${relayPort}/v1`;
    const call = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(`${api}${path}`, {
        method,
        headers: { authorization: "Bearer local", "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      expect(response.ok).toBe(true);
      return response.status === 204 ? "" : response.text();
    };
    const feed = `docs-${language}`;
    const url = `http://127.0.0.1:${port}/calls`;
    const { id, secret } = createdBy(await call("POST", "/sessions", { feed, url, compress: "gzip" }));
    const events = (count: number) =>
      Array.from({ length: count }, () => ({ type: "ChannelVarset", text: "Größe" }));
    await using receiver = new Terminal(
      { PORT: String(port), WEBHOOK_SECRET: secret, DATABASE: database },
      directory,
    );
    await receiver.start(commands.take("docs/webhooks.md", command), "listening at port");

    await call("POST", `/feeds/${feed}/events`, events(3));
    await receiver.until("up to 3");
    expect((await fetch(url, { method: "POST", body: "{}" })).status).toBe(401);
    const forged = { "webhook-id": "x", "webhook-timestamp": String(Math.floor(Date.now() / 1000)) };
    const headers = { ...forged, "webhook-signature": "v1,AAAA v1,\u00e4" };
    expect((await fetch(url, { method: "POST", body: "{}", headers })).status).toBe(401);
    const bomb = {
      body: gzipSync(Buffer.alloc(8 * 1024 * 1024 + 1)),
      headers: { "content-encoding": "gzip" },
    };
    expect((await fetch(url, { method: "POST", ...bomb })).status).toBe(500);

    // Again from the first one on: everything in it is known, and only what follows is stored.
    await call("PATCH", `/sessions/${id}`, { next: 1 });
    await call("POST", `/feeds/${feed}/events`, events(2));
    await receiver.until("up to 5");
    // A person moves the session over what it has not got.
    await call("PATCH", `/sessions/${id}`, { state: "paused" });
    await call("POST", `/feeds/${feed}/events`, events(2));
    await call("PATCH", `/sessions/${id}`, { next: "tail", state: "active" });
    await call("POST", `/feeds/${feed}/events`, events(1));
    await receiver.until("MISSING: 6 to 7");
    await receiver.until("up to 8");
    await call("PATCH", `/sessions/${id}`, { compress: null });
    await call("POST", `/feeds/${feed}/events`, events(1));
    await receiver.until("up to 9");
    expect(await storedIn(database)).toEqual([1, 2, 3, 4, 5, 8, 9]);
    await call("DELETE", `/sessions/${id}`);
  });
});

describe("CONTRIBUTING", () => {
  it("starts the relay with a demo", async () => {
    await using terminal = new Terminal({ PORT: String(await freePort()) });
    await terminal.start(commands.take("CONTRIBUTING.md", "npm start"), /wallboard +delivered/);
  });
});

it("every other command of the documents is listed with the reason why it is not run", () => {
  for (const { document, part, why } of NOT_RUN) {
    expect(why).not.toBe("");
    commands.take(document, part);
  }
  expect(commands.left()).toEqual([]);
});

async function storedIn(database: string): Promise<number[]> {
  const { DatabaseSync } = await import("node:sqlite");
  using opened = new DatabaseSync(database, { readOnly: true });
  return opened
    .prepare("SELECT sequence FROM message ORDER BY sequence")
    .all()
    .map(({ sequence }) => Number(sequence));
}
