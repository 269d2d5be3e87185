import { constants, gzipSync } from "node:zlib";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BadEvent, badElements, badLines } from "../support/badEvents.ts";
import { eventually } from "../support/eventually.ts";
import type { Answered } from "../support/relayApi.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";

/** Characters that SQS itself refuses in a message. */
const NOT_IN_SQS = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD]/;

const WELL = '{"type":"Well"}';
/** Fixed time, and time in proportion to the size. Far above the measured 0.3 s, because the machine may be busy. */
const BOUND_MILLIS = { fixed: 2_000, perMebibyte: 4_000 };

let relay: TestRelay;
let receiver: WebhookReceiver;

beforeAll(async () => {
  [relay, receiver] = await Promise.all([TestRelay.start(), WebhookReceiver.start()]);
});

afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

const encodings = [
  {
    name: "an array",
    events: badElements,
    type: "application/json",
    put: (texts: string[]) => `[${texts.join(",")}]`,
  },
  {
    name: "lines",
    events: badLines,
    type: "application/x-ndjson",
    put: (texts: string[]) => texts.join("\n"),
  },
];

describe.each(encodings)("bad events in $name", ({ name, events, type, put }) => {
  it.each([false, true])("are refused by their index or delivered as they are (gzip: %s)", async (gzip) => {
    const feed = `http-${name.replace(" ", "-")}-${gzip}`;
    await subscribe(feed);
    const kept: string[] = [];
    for (const group of grouped(events)) {
      const texts = group.flatMap(({ text }) => [text, WELL]);
      const body = put(texts);
      const answer = await timed(body.length, () =>
        relay.call("POST", `/v1/feeds/${feed}/events`, {
          raw: gzip ? new Uint8Array(gzipSync(body)) : body,
          headers: { "content-type": type, ...(gzip && { "content-encoding": "gzip" }) },
        }),
      );
      expectNamed(answer, group);
      kept.push(
        ...group.flatMap((event) => (event.refusedFor === undefined ? [event.text.trim(), WELL] : [WELL])),
      );
    }
    await expectDelivered(feed, kept);
  });
});

it("bad events in messages of the FIFO queue are logged by their index or delivered as they are", async () => {
  const feed = "fifo";
  await subscribe(feed);
  const { clients, queues } = relay.relay;
  const events = badLines.filter(({ text }) => !NOT_IN_SQS.test(text));
  for (const [index, { text }] of events.entries())
    await clients.sqs.send(
      new SendMessageCommand({
        QueueUrl: queues.ingest.url,
        MessageGroupId: feed,
        MessageDeduplicationId: String(index),
        MessageBody: `${WELL}\n${text}\n${WELL}`,
      }),
    );
  await expectDelivered(
    feed,
    events.flatMap(({ text, refusedFor }) =>
      refusedFor === undefined ? [WELL, text.trim(), WELL] : [WELL, WELL],
    ),
  );
  const refusals = relay.logged.filter(({ message }) => message === "an event is refused");
  expect(refusals.map(({ facts }) => facts)).toEqual(
    events.flatMap(({ refusedFor }) =>
      refusedFor === undefined
        ? []
        : [{ messageId: expect.any(String), index: 1, reason: expect.stringContaining(refusedFor) }],
    ),
  );
});

describe("a bad body", () => {
  const lines = { "content-type": "application/x-ndjson" };
  const gzipped = { ...lines, "content-encoding": "gzip" };
  const packed = gzipSync(`${WELL}\n${WELL}`);
  const post = (raw: string | Uint8Array, headers: Record<string, string>) =>
    timed(raw.length, () => relay.call("POST", "/v1/feeds/bodies/events", { raw, headers }));

  it("with bytes that are not UTF-8 loses only the lines with such bytes", async () => {
    await subscribe("bytes");
    const invalid = [[0xff], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82]];
    const chunks = invalid.flatMap((bytes) => [
      Buffer.from('{"type":"Broken","x":"'),
      Buffer.from(bytes),
      Buffer.from(`"}\n{"type":"Wéll"}\n`),
    ]);
    const answer = await relay.call("POST", "/v1/feeds/bytes/events", {
      raw: new Uint8Array(Buffer.concat(chunks)),
      headers: lines,
    });
    expect(answer.status).toBe(202);
    expect(answer.json).toMatchObject({
      accepted: invalid.length,
      refused: invalid.map((_, index) => ({ index: 2 * index, error: "not valid UTF-8" })),
    });
    await expectDelivered(
      "bytes",
      invalid.map(() => '{"type":"Wéll"}'),
    );
  });

  it("with a byte order mark is read without it", async () => {
    await subscribe("mark");
    await relay.expectCall(202, "POST", "/v1/feeds/mark/events", {
      raw: `\ufeff${WELL}\n${WELL}`,
      headers: lines,
    });
    await expectDelivered("mark", [WELL, WELL]);
  });

  it.each<[string, string | Uint8Array, Record<string, string>, number, string]>([
    [
      "a gzip bomb",
      new Uint8Array(gzipSync(Buffer.alloc(200 * 1024 * 1024))),
      gzipped,
      413,
      "body.too-large",
    ],
    ["gzip without its end", new Uint8Array(packed.subarray(0, -4)), gzipped, 400, "body.invalid"],
    ["gzip without its middle", new Uint8Array(packed.subarray(0, 12)), gzipped, 400, "body.invalid"],
    [
      "gzip that was flushed but never ended",
      new Uint8Array(gzipSync(WELL, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -8)),
      gzipped,
      400,
      "body.invalid",
    ],
    [
      "gzip with trailing data",
      new Uint8Array(Buffer.concat([packed, Buffer.from("more")])),
      gzipped,
      400,
      "body.invalid",
    ],
    [
      "350,000 malformed events",
      `[${Array(349_000).fill("{}").join(",")}]`,
      { "content-type": "application/json" },
      413,
      "body.too-many-events",
    ],
    ["500,000 lines", Array(500_000).fill("x").join("\n"), lines, 413, "body.too-many-events"],
    [
      "80,000 tiny events",
      `[${Array(80_000).fill('{"type":"A"}').join(",")}]`,
      { "content-type": "application/json" },
      413,
      "body.too-many-events",
    ],
    [
      "30,000 tiny AMI events",
      "Event: A\nPrivilege: call,all\n\n".repeat(30_000),
      { "content-type": "text/x-ami" },
      413,
      "body.too-many-events",
    ],
    [
      "500,000 open brackets",
      "[".repeat(500_000),
      { "content-type": "application/json" },
      400,
      "body.invalid",
    ],
    [
      "500,000 nested arrays",
      `${"[".repeat(500_000)}${"]".repeat(500_000)}`,
      { "content-type": "application/json" },
      422,
      "events.refused",
    ],
  ])("that is %s gets a response at once", async (_name, raw, headers, status, code) => {
    const answer = await post(raw, headers);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });

  it("with the most bad events allowed gets a response that names each and that Lambda can return", async () => {
    const answer = await post(`[${Array(10_000).fill("{}").join(",")}]`, {
      "content-type": "application/json",
    });
    expect(answer.status).toBe(422);
    expect(answer.json.refused).toHaveLength(10_000);
    expect(answer.text.length).toBeLessThan(6 * 1024 * 1024);
  });

  it("with the most tiny events allowed is appended and delivered completely", async () => {
    await subscribe("tiny");
    const events = Array.from({ length: 10_000 }, (_, index) => `{"type":"T","n":${index}}`);
    const answer = await timed(1024 * 1024, () =>
      relay.call("POST", "/v1/feeds/tiny/events", { raw: events.join("\n"), headers: lines }),
    );
    expect(answer.json).toMatchObject({ first: 2, last: 10_001, accepted: 10_000, refused: [] });
    await expectDelivered("tiny", events);
  });
});

describe("any JSON", () => {
  it("is refused by its index or delivered unchanged, and the relay keeps working", async () => {
    await subscribe("any");
    const kept: string[] = [];
    await fc.assert(
      fc.asyncProperty(fc.array(anyEvent, { minLength: 1, maxLength: 20 }), async (texts) => {
        const answer = await relay.call("POST", "/v1/feeds/any/events", {
          raw: [...texts, WELL].join("\n"),
          headers: { "content-type": "application/x-ndjson" },
        });
        expect(answer.status).toBe(202);
        const refused = new Set(answer.json.refused.map(({ index }: { index: number }) => index));
        kept.push(...texts.filter((_, index) => !refused.has(index)), WELL);
        for (const [index, text] of texts.entries())
          expect([text, refused.has(index)]).toEqual([text, !isEvent(text)]);
      }),
      { numRuns: 60 },
    );
    await expectDelivered("any", kept);
  });
});

/** Types and keys that the conversion looks for, so that it meets every shape. */
const someType = fc.constantFrom(
  "ChannelCreated",
  "ChannelUserevent",
  "Dial",
  "ChannelVarset",
  "BridgeCreated",
  "ChannelEnteredBridge",
  "BridgeBlindTransfer",
  "PeerStatusChange",
  "Other",
  "",
);
const someKey = fc.oneof(
  fc.constantFrom(
    "channel",
    "caller",
    "peer",
    "bridge",
    "channels",
    "id",
    "name",
    "userevent",
    "eventname",
    "variable",
    "value",
    "channelvars",
    "__proto__",
    "constructor",
    "",
  ),
  fc.string({ maxLength: 5, unit: "binary" }),
);
const { someValue } = fc.letrec<{ someValue: unknown }>((tie) => ({
  someValue: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, 1e300, -0, 5e-324, "", "\0\r\n", "\ud800", "Local/1@x;1"),
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.array(tie("someValue"), { maxLength: 3 }),
    fc.dictionary(someKey, tie("someValue"), { maxKeys: 4 }),
  ),
}));
const anyEvent = fc
  .tuple(
    fc.oneof({ weight: 8, arbitrary: someType }, { weight: 1, arbitrary: someValue }),
    fc.dictionary(someKey, someValue, { maxKeys: 5 }),
  )
  .map(([type, rest]) => JSON.stringify({ ...rest, type }));

/** Whether docs/producers.md promises to accept the event. */
function isEvent(text: string): boolean {
  const { type, timestamp, application, asterisk_id } = JSON.parse(text);
  const isShort = (value: unknown, most: number) =>
    value === undefined || (typeof value === "string" && value.length <= most);
  return (
    typeof type === "string" &&
    type !== "" &&
    isShort(type, 128) &&
    !/\p{C}/u.test(type) &&
    isShort(timestamp, 64) &&
    isShort(application, 256) &&
    isShort(asterisk_id, 256)
  );
}

async function subscribe(feed: string): Promise<void> {
  await relay.append(feed, someEvents(1));
  await relay.createSession({ feed, url: receiver.url(`/${feed}`), from: "tail", maxBatch: 500 });
  // The AMI form must be delivered too.
  await relay.createSession({ feed, url: receiver.url(`/${feed}-ami`), from: "tail", format: "ami" });
}

/** Expects every text byte for byte: the requests' bodies equal those rebuilt from the texts. */
async function expectDelivered(feed: string, texts: readonly string[]): Promise<void> {
  const last = texts.length + 1;
  await receiver.untilReceived(`/${feed}`, last, 30_000);
  const requests = receiver.requests(`/${feed}`);
  for (const { text, body } of requests) {
    const messages = body.messages.map(
      ({ sequence, type, timestamp }) =>
        `{"sequence":${sequence},"type":${JSON.stringify(type)},"timestamp":${JSON.stringify(timestamp)},"event":${texts[sequence - 2]}}`,
    );
    const expected = `"messages":[${messages.join(",")}]}`;
    // Not `toBe`, which would print a difference of about 100 KB.
    if (!text.endsWith(expected))
      throw new Error(`${feed}: the messages from ${body.first} are not what was sent`);
  }
  expect(receiver.sequences(`/${feed}`)).toEqual(texts.map((_, index) => index + 2));
  await eventually("the AMI session at the end", async () => {
    const own = (await Array.fromAsync(relay.listSessions())).filter((session) => session.feed === feed);
    return own.every(({ lagMessages, lastError }) => lagMessages === 0 && lastError === null);
  });
}

function expectNamed(answer: Answered, events: readonly BadEvent[]): void {
  expect(answer.status).toBe(202);
  expect(answer.json.refused).toEqual(
    events.flatMap(({ refusedFor }, index) =>
      refusedFor === undefined ? [] : [{ index: 2 * index, error: expect.stringContaining(refusedFor) }],
    ),
  );
}

/** Groups events into bodies of less than 1 MiB. */
function grouped(events: readonly BadEvent[]): BadEvent[][] {
  const groups: BadEvent[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const event of events) {
    bytes += event.text.length + WELL.length + 2;
    if (bytes > 1_000_000) {
      groups.push([]);
      bytes = event.text.length;
    }
    groups.at(-1)?.push(event);
  }
  return groups;
}

async function timed(bytes: number, call: () => Promise<Answered>): Promise<Answered> {
  const begun = performance.now();
  const answer = await call();
  const millis = performance.now() - begun;
  expect(millis).toBeLessThan(BOUND_MILLIS.fixed + (BOUND_MILLIS.perMebibyte * bytes) / 2 ** 20);
  return answer;
}
