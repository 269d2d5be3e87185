import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { gapOf } from "../../client/index.ts";
import packageJson from "../../package.json" with { type: "json" };
import { Cli } from "../support/cli.ts";
import { eventually } from "../support/eventually.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { isSignedWith, WebhookReceiver } from "../support/webhookReceiver.ts";

/* Every command that calls a relay, as a process, against one real relay. */

const KEY = "a-key-of-this-test-that-nobody-shows";

let relay: TestRelay;
let receiver: WebhookReceiver;
let directory: string;
let cli: Cli;
/** Each test has its own. */
let feed: string;

beforeAll(async () => {
  relay = await TestRelay.start({ RELAY_API_KEY: KEY, RELAY_ATTEMPT_SECONDS: "0" });
  receiver = await WebhookReceiver.start();
  directory = await mkdtemp(join(tmpdir(), "stasis-relay-cli-"));
  cli = new Cli({ STASIS_RELAY_URL: relay.url, STASIS_RELAY_KEY: KEY, XDG_CONFIG_HOME: directory });
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});
beforeEach(() => {
  feed = `f-${randomUUID().slice(0, 8)}`;
});

const path = () => `/${feed}`;
const call = (name: string, more: object = {}) => ({
  type: "ChannelCreated",
  timestamp: "2026-11-27T08:00:24.396+0000",
  channel: { name, state: "Ring", caller: { number: "1001" }, dialplan: { exten: "200" } },
  ...more,
});

async function subscribed(from: "head" | "tail" = "head", url = receiver.url(path())) {
  return relay.createSession({ feed, url, from });
}

/** Nobody listens there. */
async function closedUrl(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}/calls`;
}

describe("feeds", () => {
  it("lists the feeds in a table, and as JSON", async () => {
    await relay.append(feed, someEvents(3));
    await subscribed("tail");
    const { output } = await cli.run(["feeds"]);
    const [titles = "", ...rows] = output.trimEnd().split("\n");
    expect(titles).toMatch(/^FEED +LAST +HELD +GREW +SESSIONS +LAG ≤ +PRODUCERS$/);
    expect(rows.find((row) => row.startsWith(feed))).toMatch(/ 3 +3 +\d+ s ago +1 +\d+ +0$/);
    const { feeds } = await cli.json(["feeds"]);
    expect(feeds).toContainEqual(expect.objectContaining({ feed, tail: 3, sessions: 1 }));
  });

  it("--watch has rates, and ends with 0 at Ctrl-C", async () => {
    await relay.append(feed, someEvents(1));
    await using watching = cli.start(["feeds", "--watch", "--json"]);
    await watching.until(feed);
    await relay.append(feed, someEvents(4));
    await watching.until(new RegExp(`"${feed}","head":1,"tail":5`));
    watching.interrupt();
    expect((await watching.ended).code).toBe(0);
  });
});

describe("feed", () => {
  it("shows segments and producers, and changes how events are converted", async () => {
    await relay.append(feed, someEvents(2), { producer: "bridge-1", position: 1 });
    const { output } = await cli.run(["feed", feed]);
    expect(output).toMatch(/^holds +1 to 2 \(2 messages\)$/m);
    expect(output).toMatch(/^bridge-1 +\d+ s ago +3 +-$/m);
    expect((await cli.json(["feed", feed, "--wrap-unmapped"])).wrapUnmapped).toBe(true);
    expect((await cli.json(["feed", feed, "--no-wrap-unmapped"])).wrapUnmapped).toBeUndefined();
  });

  it("says where to look for a feed that does not exist, and exits with 3", async () => {
    const { code, errors } = await cli.run(["feed", feed]);
    expect([code, errors]).toEqual([
      3,
      expect.stringContaining("`stasis-relay feeds` lists those that there are"),
    ]);
  });
});

describe("subscribe", () => {
  it("subscribes a webhook, tests its endpoint, and shows the secret once", async () => {
    await relay.append(feed, someEvents(2));
    const { code, output } = await cli.run([
      ...["subscribe", feed, receiver.url(path()), "--from", "head", "--max-batch", "1", "--test"],
    ]);
    expect(code).toBe(0);
    expect(output).toMatch(/^Test message: accepted .* \(204\) after \d+ ms$/m);
    const [, secret = ""] = /^secret +(whsec_\S+)$/m.exec(output) ?? [];
    await receiver.untilReceived(path(), 2);
    const [, first] = receiver.requests(path());
    if (first === undefined) throw new Error("two requests were received");
    expect(isSignedWith(secret, first)).toBe(true);
    const { output: shown } = await cli.run(["sessions", "--feed", feed]);
    expect(shown).not.toContain(secret);
  });

  it("exits with 1 when the endpoint refuses the test message", async () => {
    const { code, output } = await cli.run(["subscribe", feed, await closedUrl(), "--test"]);
    expect([code, output]).toEqual([1, expect.stringContaining("Test message: failed")]);
  });

  it("adds an AMI user whose secret comes from standard input", async () => {
    const name = `user-${feed}`;
    const secret = "a secret of sixteen".replaceAll(" ", "-");
    const { code, output } = await cli.run(
      ["subscribe", feed, "--ami-user", name, "--resume", "--read", "call", "--secret-file", "-"],
      `${secret}\n`,
    );
    expect([code, output]).toEqual([0, expect.stringMatching(new RegExp(`^secret +${secret}$`, "m"))]);
    const session = await cli.json(["session", name]);
    expect(session).toMatchObject({ kind: "ami", username: name, resume: true, read: "call", feed });
  });

  it.each([
    [["--ami-user", "x", "--format", "ami"], "an AMI user has no --format"],
    [["--resume"], "a webhook has no --resume"],
    [[], "Name the URL"],
  ])("refuses what does not fit together: %j", async (options, says) => {
    const { code, errors } = await cli.run(["subscribe", feed, ...options]);
    expect([code, errors]).toEqual([1, expect.stringContaining(says)]);
  });
});

describe("sessions and session", () => {
  it("say why a session does not receive, and when it tries again", async () => {
    await relay.append(feed, someEvents(2));
    const { id } = await subscribed("head", await closedUrl());
    await eventually("a backoff", async () => (await relay.session(id)).state === "backoff");
    const { output } = await cli.run(["sessions", "--feed", feed, "--state", "backoff"]);
    expect(output).toMatch(
      new RegExp(
        `^${id} +${feed} +backoff +2 .* try \\d+ (in \\d+ s|now); connection\\.refused: nothing listens`,
        "m",
      ),
    );
    const one = await cli.run(["session", id.slice(0, 12)]);
    expect(one.output).toMatch(/^trouble +try \d+ /m);
    expect(one.output).toMatch(/ago +failed +- +1-2 \(2\) +1 +\d+ ms +connection\.refused: nothing listens/);
    expect((await cli.run(["sessions", "--feed", feed, "--state", "paused"])).errors).toBe(
      "There is no such session.\n",
    );
  });

  it("fit the terminal's width, whatever it is, with the reason on a line of its own", async () => {
    await relay.append(feed, someEvents(1));
    const { id } = await subscribed("head", `${await closedUrl()}/${"long/".repeat(30)}`);
    await eventually("a backoff", async () => (await relay.session(id)).state === "backoff");
    for (const columns of [60, 80, 120]) {
      await using terminal = cli
        .with({ NO_COLOR: "1" })
        .onTerminal(["sessions", "--feed", feed], { columns });
      const { output } = await terminal.ended;
      const lines = output.trimEnd().split("\r\n");
      expect(lines.every((line) => line.length <= columns)).toBe(true);
      expect(lines[1]).toMatch(new RegExp(`^${id.slice(0, 12)}`));
      expect(lines[2]).toMatch(/^ {2}try \d+ .*connection\.refused/);
    }
  });

  it("refuse the beginning of several ids", async () => {
    await Promise.all([subscribed(), subscribed(), subscribed()]);
    const ids = (await cli.json(["sessions", "--feed", feed])).sessions.map(({ id }: { id: string }) => id);
    expect(ids).toHaveLength(3);
    expect(await cli.run(["session", "ses_zz"])).toMatchObject({ code: 3 });
    const common = ids[0].slice(0, 12);
    expect((await cli.json(["session", common])).id).toBe(ids[0]);
  });

  it("--watch is drawn over itself on a terminal, and shows what changes", async () => {
    const { id } = await subscribed("head");
    await using terminal = cli.onTerminal(["sessions", "--feed", feed, "--watch"], { columns: 100 });
    await terminal.until("active");
    await relay.changeSession(id, { state: "paused" });
    await terminal.until("paused");
    expect(terminal.output).toContain("\u001b[2A\u001b[J");
    expect(terminal.output).toContain("\u001b[36mpaused\u001b[39m");
    terminal.write("\u0003");
    expect((await terminal.ended).code).toBe(0);
  });
});

describe("pause, resume, change and test", () => {
  it("pause and resume a session where it stands", async () => {
    await relay.append(feed, someEvents(3));
    const { id } = await subscribed("tail");
    expect((await cli.run(["pause", id])).output).toContain("is paused; its next message is 4");
    expect((await relay.session(id)).state).toBe("paused");
    expect((await cli.run(["resume", id])).output).toContain("goes on at 4, with 0 messages ahead");
    expect((await relay.session(id)).state).toBe("active");
  });

  it("change a webhook's address, batches and filter, and remove the filter", async () => {
    const { id } = await subscribed();
    const url = receiver.url("/elsewhere");
    const changed = await cli.json(["change", id, "--url", url, "--max-batch", "7", "--type", "Dial,Hangup"]);
    expect(changed).toMatchObject({ url, maxBatch: 7, filter: { types: ["Dial", "Hangup"] } });
    expect(await cli.json(["change", id, "--no-filter"])).toMatchObject({ url, filter: null });
    expect((await cli.run(["change", id])).errors).toContain("Name what to change");
  });

  it("change an AMI user's login and filter", async () => {
    await cli.json(["subscribe", feed, "--ami-user", `b-${feed}`]);
    const changed = await cli.json([
      ...[
        "change",
        `b-${feed}`,
        "--resume",
        "--multiple-login",
        "refuse",
        "--event-filter",
        "!Event: VarSet",
      ],
    ]);
    expect(changed).toMatchObject({
      resume: true,
      multipleLogin: "refuse",
      eventFilters: ["!Event: VarSet"],
    });
    expect((await cli.run(["change", `b-${feed}`, "--url", "http://x/"])).errors).toContain(
      "An AMI user has no",
    );
  });

  it("test an endpoint, and exit with 1 when it does not accept", async () => {
    const { id } = await subscribed();
    expect(await cli.run(["test", id])).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^accepted .*204/),
    });
    const other = await subscribed("head", await closedUrl());
    expect(await cli.run(["test", other.id])).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^failed /),
    });
  });
});

describe("seek", () => {
  it("goes back without a question, and says what comes again", async () => {
    await relay.append(feed, someEvents(5));
    const { id } = await subscribed("head");
    await receiver.untilReceived(path(), 5);
    await relay.changeSession(id, { state: "paused" });
    const { code, output } = await cli.run(["seek", id, "--to", "2"]);
    expect(code).toBe(0);
    expect(output).toContain(`stands at 2 (2) now, with 4 messages ahead; 4 of them are sent again.`);
    expect(output).toContain(`It is paused: \`stasis-relay resume ${id}\``);
  });

  it.each(["5m", "head", "1", "2020-01-01"])("takes --to %s", async (place) => {
    await relay.append(feed, someEvents(2));
    const { id } = await subscribed("tail");
    expect((await cli.json(["seek", id, "--to", place])).next).toBe(1);
  });

  it("says what is skipped, and skips it only when somebody says yes", async () => {
    await relay.append(feed, someEvents(5));
    const { id } = await subscribed("head", await closedUrl());
    const { code, errors } = await cli.run(["seek", id, "--to", "tail"]);
    expect([code, errors]).toEqual([
      6,
      expect.stringContaining(`will never get 5 messages of ${feed}: 1 to 5.`),
    ]);
    expect((await relay.session(id)).next).toBe(1);
    expect((await cli.run(["seek", id, "--to", "tail", "--yes"])).code).toBe(0);
    expect((await relay.session(id)).next).toBe(6);
  });

  it("asks on a terminal, and takes only yes for yes", async () => {
    await relay.append(feed, someEvents(2));
    const { id } = await subscribed("head", await closedUrl());
    for (const [answer, code, next] of [
      ["\r", 6, 1],
      ["n\r", 6, 1],
      ["y\r", 0, 3],
    ] as const) {
      await using terminal = cli.onTerminal(["seek", id, "--to", "tail"]);
      await terminal.until("(y/N)");
      terminal.write(answer);
      expect((await terminal.ended).code).toBe(code);
      expect((await relay.session(id)).next).toBe(next);
    }
  });
});

describe("rotate and delete", () => {
  it("rotate shows the new secret, and ends the old one only after a yes", async () => {
    const { id, secret } = await subscribed();
    const { output } = await cli.run(["rotate", id]);
    expect(output).toMatch(/^secret +whsec_\S+$/m);
    expect(output).not.toContain(secret);
    expect(await cli.run(["rotate", id, "--at-once"])).toMatchObject({
      code: 6,
      output: "",
      errors: expect.stringContaining("ends at once"),
    });
    expect((await cli.json(["rotate", id, "--at-once", "--yes"])).secret).toMatch(/^whsec_/);
  });

  it("delete says what is lost before it happens", async () => {
    await relay.append(feed, someEvents(4));
    const { id } = await subscribed("head", await closedUrl());
    const refused = await cli.run(["delete", id]);
    expect(refused.code).toBe(6);
    expect(refused.errors).toContain("It will never get the 4 messages ahead of it: 1 to 4.");
    expect((await relay.session(id)).id).toBe(id);
    expect((await cli.run(["delete", id, "--yes"])).output).toBe(`${id} is deleted.\n`);
    expect(await cli.run(["session", id])).toMatchObject({ code: 3 });
  });
});

describe("tail", () => {
  it("shows messages as lines, coloured on a terminal, and no control characters of others", async () => {
    await relay.append(feed, [call("PJSIP/alice-1"), call("PJSIP/\u001b[31mmallory\u0007")]);
    const plainly = await cli.run(["tail", feed, "--from", "head", "--no-follow"]);
    expect(plainly.output).toBe(
      [
        "     1  08:00:24.396  ChannelCreated        PJSIP/alice-1  1001 → 200  Ring",
        "     2  08:00:24.396  ChannelCreated        PJSIP/\\x1b[31mmallory\\x07  1001 → 200  Ring",
        "",
      ].join("\n"),
    );
    await using terminal = cli.onTerminal(["tail", feed, "--from", "head", "--no-follow"], { columns: 60 });
    const { output } = await terminal.ended;
    expect(output).toContain("\u001b[32mChannelCreated      \u001b[39m  PJSIP/alice");
    expect(output).toContain("…");
    expect(output).not.toContain("\u001b[31m");
    await using colourless = cli
      .with({ NO_COLOR: "1" })
      .onTerminal(["tail", feed, "--from", "1", "--no-follow"]);
    expect((await colourless.ended).output).not.toContain("\u001b");
  });

  it("shows what a filter asks for, as AMI, whole or as JSON", async () => {
    await relay.append(feed, [call("PJSIP/a"), { ...call("PJSIP/b"), type: "ChannelHold" }]);
    const ami = await cli.run([
      "tail",
      feed,
      "--from",
      "head",
      "--no-follow",
      "--format",
      "ami",
      "--type",
      "hold",
    ]);
    expect(ami.output).toMatch(/^ +2 {2}08:00:24\.396 {2}Hold +Channel=PJSIP\/b/);
    const whole = await cli.run(["tail", feed, "--from", "2", "--no-follow", "--whole"]);
    expect(whole.output).toContain('    "name": "PJSIP/b",\n');
    const json = await cli.run(["tail", feed, "--from", "head", "--no-follow", "--json", "--limit", "1"]);
    expect(JSON.parse(json.output)).toMatchObject({ sequence: 1, event: call("PJSIP/a") });
  });

  it("goes on live, and Ctrl-C says where it was and how to go on", async () => {
    await relay.append(feed, someEvents(2));
    await using tailing = cli.start([
      "tail",
      feed,
      "--from",
      "2",
      "--type",
      "ChannelCreated,Dial",
      "--whole",
    ]);
    await tailing.until(/^2 {2}/m);
    await relay.append(feed, someEvents(1));
    await tailing.until(/^3 {2}/m);
    tailing.interrupt();
    const { code, errors } = await tailing.ended;
    expect(code).toBe(0);
    expect(errors).toBe(
      `Stopped behind message 3 of ${feed}. To go on:\n  stasis-relay tail ${feed} --from 4 --type ChannelCreated,Dial --whole\n`,
    );
  });

  it("says so on a terminal too, where ^C stands alone", async () => {
    await relay.append(feed, someEvents(1));
    await using terminal = cli.onTerminal(["tail", feed, "--from", "head"]);
    await terminal.until("ChannelCreated");
    terminal.write("\u0003");
    const { code, output } = await terminal.ended;
    expect(code).toBe(0);
    expect(output).toMatch(new RegExp(`\\^C\\r\\nStopped behind message 1 of ${feed}\\.`));
  });

  it("goes on over a cut and misses nothing", async () => {
    await relay.append(feed, someEvents(1));
    await using wire = await Wire.to(relay.url);
    await using tailing = cli.with({ STASIS_RELAY_URL: wire.url }).start(["tail", feed, "--from", "head"]);
    await tailing.until(/^ +1 /m);
    await wire.cut();
    await tailing.until("trying again, nothing is missed");
    await relay.append(feed, someEvents(2));
    await wire.mend();
    await tailing.until(/^ +3 /m);
    expect(tailing.errors).toContain("the relay answers again");
    expect(tailing.output.match(/^ +\d+/gm)?.map(Number)).toEqual([1, 2, 3]);
  });

  it("does not wait for a relay that was never there: exit code 5, and what to do", async () => {
    const { code, errors } = await cli.with({ STASIS_RELAY_URL: await closedUrl() }).run(["tail", feed]);
    expect(code).toBe(5);
    expect(errors).toMatch(/^stasis-relay: No relay answers at .* \(from STASIS_RELAY_URL\)/);
    expect(errors).toContain("`stasis-relay start`");
  });
});

describe("listen", () => {
  const secret = `whsec_${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`;

  it("posts signed requests to a receiver, in order, until it accepts them", async () => {
    let refusals = 1;
    receiver.answer = () => ({ status: refusals-- > 0 ? 500 : 204 });
    await relay.append(feed, someEvents(3, ["ChannelCreated", "Dial"]));
    await using listening = cli
      .with({ WEBHOOK_SECRET: secret })
      .start(["listen", feed, "--forward", receiver.url(path()), "--from", "head", "--max-batch", "2"]);
    await receiver.untilReceived(path(), 3);
    receiver.answer = () => ({ status: 204 });
    const requests = receiver.requests(path());
    expect(requests.every((request) => isSignedWith(secret, request))).toBe(true);
    expect(requests.map(({ body }) => [body.previous, body.first, body.last])).toEqual([
      [0, 1, 2],
      [0, 1, 2],
      [2, 3, 3],
    ]);
    expect(requests[0]?.id).toBe(requests[1]?.id);
    await relay.append(feed, someEvents(1));
    await receiver.untilReceived(path(), 4);
    await listening.until(/^4 .*204/m);
    listening.interrupt();
    const { code, errors } = await listening.ended;
    expect(code).toBe(0);
    expect(errors).toContain(
      `To go on:\n  stasis-relay listen ${feed} --from 5 --forward ${receiver.url(path())} --max-batch 2`,
    );
    expect(errors).not.toContain(secret);
  });

  it("makes a secret where there is none, and leaves nothing in the relay", async () => {
    await relay.append(feed, someEvents(1));
    await using listening = cli.start(["listen", feed, "--forward", receiver.url(path()), "--from", "head"]);
    await receiver.untilReceived(path(), 1);
    const [, made = ""] = /signed with (whsec_\S+)\. Ctrl-C/.exec(listening.errors) ?? [];
    const [request] = receiver.requests(path());
    if (request === undefined) throw new Error("a request was received");
    expect(isSignedWith(made, request)).toBe(true);
    expect((await cli.json(["sessions", "--feed", feed])).sessions).toEqual([]);
  });
});

describe("replay", () => {
  it("counts first, sends a range again, and puts the session back", async () => {
    await relay.append(feed, someEvents(300));
    const { id } = await subscribed("head");
    await receiver.untilReceived(path(), 300);
    await eventually("the session behind them", async () => (await relay.session(id)).next === 301);
    const counted = await cli.run(["replay", id, "--from", "101", "--to", "200", "--dry-run"]);
    expect(counted.output).toBe(
      `100 messages of ${feed}, 101 to 200, to ${receiver.url(path())}\nNothing was sent.\n`,
    );
    const before = receiver.requests(path()).length;
    const { code, output } = await cli.run(["replay", id, "--from", "101", "--to", "200"]);
    expect(code).toBe(0);
    expect(output).toMatch(/^The endpoint accepted 101 to 200 in \d\.\d s\.$/m);
    expect(output).toContain(`${id} goes on at 301.`);
    const again = receiver
      .requests(path())
      .slice(before)
      .flatMap(({ body }) => body.messages);
    expect(again.slice(0, 100).map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 100 }, (_, index) => 101 + index),
    );
    await relay.append(feed, someEvents(1));
    await receiver.untilReceived(path(), 301);
    await eventually("the session behind it", async () => (await relay.session(id)).next === 302);
  });

  it("shows what holds it up, and Ctrl-C puts the session back", async () => {
    await relay.append(feed, someEvents(10));
    const { id } = await subscribed("head");
    await receiver.untilReceived(path(), 10);
    await eventually("a parked session", async () => (await relay.session(id)).next === 11);
    receiver.answer = () => ({ status: 503 });
    await using terminal = cli.onTerminal(["replay", id, "--from", "1"], { columns: 120 });
    await terminal.until("try 2 in");
    terminal.write("\u0003");
    const { code, output } = await terminal.ended;
    receiver.answer = () => ({ status: 204 });
    expect(code).toBe(130);
    expect(output).toContain("The endpoint accepted nothing.");
    expect(output).toMatch(/Meanwhile \d+ attempts? failed/);
    expect(output).toContain(`${id} is back at 11.`);
    expect((await relay.session(id)).next).toBe(11);
  });

  it("refuses a paused session, and has nothing to send to a new one", async () => {
    await relay.append(feed, someEvents(2));
    const { id } = await subscribed("tail");
    expect((await cli.json(["replay", id, "--from", "5"])).messages).toBe(0);
    await relay.changeSession(id, { state: "paused" });
    expect((await cli.run(["replay", id, "--from", "1"])).errors).toContain(`stasis-relay resume ${id}`);
  });
});

describe("explain", () => {
  it("says what became of a message", async () => {
    await relay.append(feed, [call("PJSIP/a"), { type: "Dial" }]);
    const { id } = await relay.createSession({
      feed,
      url: receiver.url(path()),
      from: "head",
      filter: { types: ["ChannelCreated"] },
    });
    await receiver.untilReceived(path(), 1);
    await eventually("an attempt", async () => (await relay.explain(id, 1)).outcome === "delivered");
    const delivered = await cli.run(["explain", id, "1"]);
    expect(delivered.output).toMatch(
      /^delivered: The endpoint accepted it with status 204\.\n\nmessage +1 of/,
    );
    expect(delivered.output).toMatch(/^type +ChannelCreated, AMI Newchannel, call$/m);
    expect((await cli.run(["explain", id, "2"])).output).toMatch(/^filtered: .*`types`/);
    expect((await cli.json(["explain", id, "3"])).outcome).toBe("not-appended");
    expect((await cli.run(["explain", id, "none"])).errors).toContain("must be a whole number");
  });
});

describe("append", () => {
  const file = async (name: string, content: string | Buffer) => {
    const at = join(directory, `${feed}-${name}`);
    await writeFile(at, content);
    return at;
  };

  it("appends a file once, however often the command runs, and again when it is asked to", async () => {
    const lines = Array.from({ length: 250 }, (_, index) => JSON.stringify({ type: "Dial", n: index }));
    const path = await file("events.ndjson.gz", gzipSync(`${lines.join("\n")}\n`));
    expect((await cli.run(["append", feed, path])).output).toBe(
      `250 events appended to ${feed}, as 1 to 250.\n`,
    );
    expect((await cli.run(["append", feed, path])).output).toContain(
      "250 events had been appended before; --again",
    );
    expect(await cli.json(["append", feed, path, "--again"])).toMatchObject({
      accepted: 250,
      first: 251,
      last: 500,
    });
    const { messages } = await relay.messages(feed, { limit: 1000 });
    expect(messages.map((message) => "event" in message && message.event.n)).toEqual([
      ...lines.keys(),
      ...lines.keys(),
    ]);
  });

  it("reads arrays, events over several lines, and AMI text, and says what is refused", async () => {
    expect((await cli.run(["append", feed, "-"], '[{"type":"A"},{"type":"B"}]')).output).toContain(
      "2 events",
    );
    expect((await cli.run(["append", feed, "-"], '{\n "type": "C"\n}\n{"type":"D"}\n')).output).toContain(
      "2 events",
    );
    const ami = await file(
      "ami.txt",
      "Asterisk Call Manager/12.0.0\r\nResponse: Success\r\n\r\nEvent: UserEvent\r\nPrivilege: user,all\r\nUserEvent: Hello\r\n\r\n",
    );
    const { output } = await cli.run(["append", feed, ami]);
    expect(output).toContain("1 event appended");
    expect(output).toContain("2 blocks left out: greetings");
    const refused = await cli.run(["append", feed, "-"], '{"type":"E"}\nnonsense\n');
    expect([refused.code, refused.errors]).toEqual([1, expect.stringMatching(/^refused: event 2: /)]);
    const types = (await relay.messages(feed)).messages.map(({ type }) => type);
    expect(types).toEqual(["A", "B", "C", "D", "E"]);
    expect(await cli.run(["append", feed, "/no/such/file"])).toMatchObject({
      code: 1,
      errors: expect.stringContaining("ENOENT"),
    });
    expect(await cli.run(["append", feed, "-"], "\n")).toMatchObject({
      code: 1,
      errors: expect.stringContaining("has no event"),
    });
  });

  it("stopped by Ctrl-C, goes on where it was", async () => {
    const count = 20_000;
    const lines = Array.from({ length: count }, (_, n) => JSON.stringify({ type: "ChannelVarset", n }));
    const path = await file("many.ndjson", lines.join("\n"));
    await using first = cli.start(["append", feed, path]);
    await eventually(
      "a part of it",
      async () => ((await relay.feed(feed).catch(() => undefined))?.tail ?? 0) > 0,
    );
    first.interrupt();
    const stopped = await first.ended;
    expect(stopped.code).toBe(130);
    expect(stopped.output).toContain(`of ${count} events; the same command goes on there.`);
    const { accepted, duplicates } = await cli.json(["append", feed, path]);
    expect(accepted + duplicates).toBe(count);
    expect(duplicates).toBeGreaterThan(0);
    expect((await relay.feed(feed)).tail).toBe(count);
  }, 60_000);
});

describe("keys", () => {
  it("are made, listed and revoked; only the making shows one", async () => {
    const { output } = await cli.run([
      "keys",
      "create",
      `bridge of ${feed}`,
      "--role",
      "producer",
      "--feed",
      feed,
    ]);
    const [, id = ""] = /^id +(\S+)$/m.exec(output) ?? [];
    const [, key = ""] = /^key +(srk_\S+)$/m.exec(output) ?? [];
    const listed = await cli.run(["keys"]);
    expect(listed.output).toMatch(
      new RegExp(`^${id} +bridge of ${feed} +producer +${feed} +never +200/s$`, "m"),
    );
    expect(listed.output).not.toContain(key);

    const producer = cli.with({ STASIS_RELAY_KEY: key });
    expect((await producer.run(["append", feed, "-"], '{"type":"Dial"}')).code).toBe(0);
    const refused = await producer.run(["feed", feed]);
    expect([refused.code, refused.errors]).toEqual([
      4,
      expect.stringContaining("The key comes from STASIS_RELAY_KEY."),
    ]);

    expect(await cli.run(["keys", "revoke", id])).toMatchObject({
      code: 6,
      errors: expect.stringContaining("will be unable to call"),
    });
    expect((await cli.run(["keys", "revoke", id, "--yes"])).output).toBe(`${id} is revoked.\n`);
    expect(await cli.run(["keys", "revoke", id, "--yes"])).toMatchObject({ code: 3 });
    expect((await cli.run(["keys", "create", "x", "--role", "reader"])).errors).toContain(
      "name them with --feed",
    );
  });
});

describe("login and context", () => {
  const ownHome = async () => {
    const home = await mkdtemp(join(directory, "home-"));
    return { home, file: join(home, "stasis-relay/contexts.json"), cli: new Cli({ XDG_CONFIG_HOME: home }) };
  };

  it("keep address and key in a file for this user alone, and use them", async () => {
    const { home, file, cli: own } = await ownHome();
    const { code, output, errors } = await own.run(["login", relay.url, "--name", "here"], `${KEY}\n`);
    expect([code, errors]).toEqual([0, ""]);
    expect(output).toContain("(context here); the key may do everything.");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(home, "stasis-relay"))).mode & 0o777).toBe(0o700);
    expect(JSON.parse(await readFile(file, "utf8")).contexts.here.key).toBe(KEY);
    expect((await own.json(["feeds"])).feeds).toBeInstanceOf(Array);
    const shown = await own.run(["context"]);
    expect(shown.output).toContain("(from the context here), with the key from the context here");
    expect(output + shown.output + (await own.run(["context", "--json"])).output).not.toContain(KEY);
  });

  it("ask on a terminal, and show nothing of what is typed", async () => {
    const { cli: own } = await ownHome();
    await using terminal = own.onTerminal(["login", relay.url]);
    await terminal.until(`Key for ${relay.url}:`);
    terminal.write(`${KEY}\r`);
    const { code, output } = await terminal.ended;
    expect(code).toBe(0);
    expect(output).not.toContain(KEY);
    expect(output).toContain("(context 127.0.0.1)");
  });

  it("keep no key that the relay does not know", async () => {
    const { file, cli: own } = await ownHome();
    const { code, errors } = await own.run(["login", relay.url], "wrong-key");
    expect([code, errors]).toEqual([4, expect.stringContaining("does not know this key. Nothing was kept.")]);
    await expect(stat(file)).rejects.toThrow("ENOENT");
  });

  it("change and forget contexts", async () => {
    const { cli: own } = await ownHome();
    for (const name of ["one", "two"]) await own.run(["login", relay.url, "--name", name], KEY);
    expect((await own.json(["context", "use", "one"])).context).toBe("one");
    expect((await own.json(["context"])).contexts).toEqual([
      { name: "one", url: relay.url, current: true },
      { name: "two", url: relay.url, current: false },
    ]);
    await own.run(["context", "remove", "one"]);
    expect((await own.json(["context"])).contexts).toEqual([{ name: "two", url: relay.url, current: false }]);
    expect(await own.run(["context", "use", "one"])).toMatchObject({ code: 3 });
  });
});

it("a wrong key is named by where it comes from, and is never shown", async () => {
  const wrong = "wrong-key-that-nobody-shows";
  const { code, output, errors } = await cli.with({ STASIS_RELAY_KEY: wrong }).run(["sessions"]);
  expect([code, output]).toEqual([4, ""]);
  expect(errors).toContain("does not know the key from STASIS_RELAY_KEY");
  expect(errors).not.toContain(wrong);
  const asJson = await cli.with({ STASIS_RELAY_KEY: wrong }).run(["sessions", "--json"]);
  expect(JSON.parse(asJson.errors).error).toMatchObject({ code: "key.wrong", status: 401, exitCode: 4 });
});

it("no command shows the key with which it calls", async () => {
  await relay.append(feed, someEvents(1));
  const { id } = await subscribed();
  const runs = await Promise.all(
    [
      ["feeds"],
      ["sessions"],
      ["session", id],
      ["feed", feed],
      ["doctor"],
      ["context"],
      ["keys"],
      ["explain", id, "1"],
      ["tail", feed, "--from", "head", "--no-follow", "--whole"],
    ].flatMap((args) => [cli.run(args), cli.run([...args, "--json"])]),
  );
  for (const { code, output, errors } of runs) {
    expect(code).toBe(0);
    expect(`${output}${errors}`).not.toContain(KEY);
  }
}, 60_000);

describe("doctor", () => {
  it("finds nothing wrong with a relay that works", async () => {
    const { code, output } = await cli.run(["doctor"]);
    expect(code).toBe(0);
    expect(output).toMatch(/^ok +health +the relay and its tables answer, in \d+ ms$/m);
    expect(output).toMatch(/^ok +key +from STASIS_RELAY_KEY: may do everything$/m);
  });

  it.each([
    [{ STASIS_RELAY_KEY: "wrong" }, /^WRONG +key +.*does not know the key/m],
    [
      { STASIS_RELAY_URL: "http://no-such-host.invalid" },
      /^WRONG +name +no-such-host\.invalid cannot be resolved/m,
    ],
    [{ STASIS_RELAY_URL: "ftp://x" }, /^WRONG +settings +STASIS_RELAY_URL must begin with/m],
  ])("says what is wrong with %j, and exits with 1", async (environment, line) => {
    const { code, output } = await cli.with(environment).run(["doctor"]);
    expect([code, output]).toEqual([1, expect.stringMatching(line)]);
  });

  it("says that no relay answers", async () => {
    const { code, output } = await cli.with({ STASIS_RELAY_URL: await closedUrl() }).run(["doctor"]);
    expect([code, output]).toEqual([1, expect.stringMatching(/^WRONG +health +no relay answers/m)]);
  });
});

/** A relay that answers every call so. */
async function answering(answer: (request: IncomingMessage) => object) {
  const server = createHttpServer((request, response) => {
    response.setHeader("content-type", "application/json").end(JSON.stringify(answer(request)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    cli: cli.with({ STASIS_RELAY_URL: `http://127.0.0.1:${port}` }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe("messages that are no longer held", () => {
  /** 5 to 8 are freed, 9 is held. */
  const page = (request: IncomingMessage) => {
    const message = {
      sequence: 9,
      type: "Dial",
      timestamp: "2026-11-27T08:00:00.000+0000",
      event: { type: "Dial" },
    };
    return request.url?.includes("from=5")
      ? { feed, messages: [message], next: 10, gap: { first: 5, last: 8 } }
      : { feed, messages: [], next: 10 };
  };

  it("are named by tail", async () => {
    await using stub = await answering(page);
    const { output, errors } = await stub.cli.run(["tail", feed, "--from", "5", "--no-follow"]);
    expect(errors).toBe("5 to 8 are no longer held\n");
    expect(output).toMatch(/^ {5}9 {2}08:00:00\.000 {2}Dial\n$/);
  });

  it.each(["stasis", "ami"] as const)(
    "are reported to listen's receiver as a gap, in the format %s",
    async (format) => {
      await using stub = await answering(page);
      await using listening = stub.cli.start([
        ...["listen", feed, "--from", "5", "--format", format, "--forward", receiver.url(path())],
      ]);
      await receiver.untilReceived(path(), 9);
      listening.interrupt();
      await listening.ended;
      const [gap, next] = receiver.requests(path());
      expect([gap?.body.previous, gap?.body.first, gap?.body.last]).toEqual([4, 5, 8]);
      expect(gap?.body.messages).toHaveLength(1);
      const [message] = gap?.body.messages ?? [];
      const { sequence, type, timestamp, event = {}, text = "", fields = {} } = message ?? {};
      expect([sequence, type]).toEqual([8, "RelayGap"]);
      const told = { type: "RelayGap", timestamp: timestamp ?? "" };
      expect(gapOf(format === "ami" ? { ...told, fields } : { ...told, event })).toEqual({
        reason: "retention",
        first: 5,
        last: 8,
      });
      expect(text === "").toBe(format === "stasis");
      expect(next?.body.previous).toBe(8);
    },
  );
});

it("the relay's log can tell the command by its User-Agent", async () => {
  const agents: (string | undefined)[] = [];
  await using stub = await answering((request) => {
    agents.push(request.headers["user-agent"]);
    return { feeds: [] };
  });
  await stub.cli.run(["feeds"]);
  expect(agents).toEqual([`stasis-relay-cli/${packageJson.version}`]);
});

/** A way to a relay that can be cut. */
class Wire implements AsyncDisposable {
  readonly #sockets = new Set<Socket>();
  readonly #port: number;
  #server = createServer();

  private constructor(port: number) {
    this.#port = port;
  }

  static async to(url: string): Promise<Wire> {
    const wire = new Wire(Number(new URL(url).port));
    await wire.#listen(0);
    return wire;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listening}`;
  }

  #listening = 0;

  async #listen(port: number): Promise<void> {
    this.#server = createServer((near) => {
      const far = connect(this.#port, "127.0.0.1");
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => this.#sockets.delete(socket));
      }
      near.pipe(far).pipe(near);
    }).listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#listening = (this.#server.address() as AddressInfo).port;
  }

  async cut(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async mend(): Promise<void> {
    await this.#listen(this.#listening);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.cut();
  }
}
