import { randomBytes } from "node:crypto";
import { crc32, zstdCompressSync } from "node:zlib";
import { marshall } from "@aws-sdk/util-dynamodb";
import { describe, expect, it } from "vitest";
import { type PagePlan, planPage } from "../../../functions/ingest/appendPlan.ts";
import { readAmi } from "../../../shared/ami/amiParser.ts";
import { readAmiText } from "../../../shared/ami/amiText.ts";
import { type CallMemoryState, EMPTY_CALL_MEMORY } from "../../../shared/ami/callMemory.ts";
import { AmiConverter } from "../../../shared/ami/convert.ts";
import type { JsonObject } from "../../../shared/ami/json.ts";
import { keys } from "../../../shared/aws/keys.ts";
import { PageUnreadableError } from "../../../shared/errors.ts";
import { packCallMemory } from "../../../shared/queue/callMemoryCodec.ts";
import { renderAmiOnly, renderMessage, renderMessages } from "../../../shared/queue/message.ts";
import type { StoredPage } from "../../../shared/queue/page.ts";
import {
  decodePage,
  encodePage,
  MAX_PAGE_MESSAGES,
  MAX_PAGE_TEXT_BYTES,
} from "../../../shared/queue/pageCodec.ts";
import { REMEMBERED_PRODUCERS, SQS_PRODUCER_PREFIX } from "../../../shared/queue/producers.ts";
import { type EventOrRefusal, MAX_EVENT_BYTES } from "../../../shared/stasis/event.ts";
import { FEED, NOW, refusedEvent, storedPage, tailOf } from "./samples.ts";

/** DynamoDB's limit for an item: 400 KB of names and values. */
const MAX_ITEM_BYTES = 400 * 1024;
/** The longest feed name. */
const LONG_FEED = "f".repeat(64);

/** DynamoDB's item size rules, rounded up (developer guide, "DynamoDB item sizes and formats"). */
function sizeOf(value: unknown): number {
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value !== "object" || value === null) return 1;
  if ("M" in value) return 3 + attributes(value.M);
  if ("L" in value && Array.isArray(value.L))
    return 3 + value.L.reduce((sum: number, each: unknown) => sum + 1 + sizeOf(each), 0);
  if ("N" in value) return Math.ceil(String(value.N).length / 2) + 2;
  return Object.values(value).reduce((sum: number, each: unknown) => sum + sizeOf(each), 0);
}

function attributes(map: unknown): number {
  return Object.entries(Object(map)).reduce(
    (sum, [name, value]) => sum + 1 + Buffer.byteLength(name) + sizeOf(value),
    0,
  );
}

function itemBytes(page: StoredPage): number {
  return attributes(
    marshall(
      { ...keys.page(LONG_FEED, 123_456_789, page.first), ...page, expiresAtEpochSeconds: NOW },
      { removeUndefinedValues: true },
    ),
  );
}

/** Random printable ASCII without the characters that JSON escapes. No JSON text compresses worse. */
function noise(bytes: number): string {
  return [...randomBytes(bytes)].map((byte) => String.fromCharCode(0x23 + (byte % 57))).join("");
}

/** An event of exactly this many bytes, with a unique type. */
function noisyEvent(bytes: number): EventOrRefusal {
  const type = noise(128);
  const frame = `{"type":"${type}","x":""}`;
  const text = frame.replace('""', () => `"${noise(bytes - frame.length)}"`);
  return { event: { type, timestamp: "2026-11-23T08:00:24.396+0000", text, body: JSON.parse(text) } };
}

describe("a page's body", () => {
  it("is the same after a round trip, each message with its type", () => {
    const messages = ["B", "A", "B", 'C"\n'].map((type, n) => renderMessage(type, "now", `{"n":${n}}`));
    const encoded = encodePage(messages);
    expect(encoded).toMatchObject({ count: 4, names: ["B", "A", 'C"\n'] });
    const page = decodePage(FEED, { ...storedPage(41, 4), ...encoded });
    expect(page).toMatchObject({ first: 41, count: 4, names: ["B", "A", 'C"\n'], messages });
    expect(page.textBytes).toBeGreaterThan(messages.reduce((sum, { text }) => sum + text.length, 0));
  });

  const cut = storedPage(1, 3).body.subarray(0, -10);
  const two = zstdCompressSync('{"types":["A"],"typeNumbers":[0]}\n{}\n\n{}\n');
  it.each<[string, Partial<StoredPage>]>([
    ["an unknown codec", { codec: "zstd-lines-4" }],
    ["a wrong checksum", { checksum: 1 }],
    ["a truncated body", { body: storedPage(1, 3).body.subarray(0, -1) }],
    ["a body truncated before its checksum was computed", { body: cut, checksum: crc32(cut) }],
    ["a body that is not zstd", { body: Buffer.from("x"), checksum: crc32("x") }],
    ["fewer messages than it says", { count: 4 }],
    ["more messages than it says", { body: two, checksum: crc32(two), count: 1 }],
  ])("with %s is unreadable, and the error names the page", (_what, facts) => {
    const read = () => decodePage(FEED, storedPage(1, 3, facts));
    expect(read).toThrow(PageUnreadableError);
    expect(read).toThrow(
      expect.objectContaining({
        code: "page.unreadable",
        facts: expect.objectContaining({ feed: FEED, first: 1 }),
      }),
    );
  });

  it("is unreadable when it would unpack beyond the size of any page, so that it cannot fill the memory", () => {
    const body = zstdCompressSync(Buffer.alloc(8 * 1024 * 1024));
    expect(body.byteLength).toBeLessThan(10_000);
    expect(() => decodePage(FEED, storedPage(1, 1, { body, checksum: crc32(body) }))).toThrow(
      PageUnreadableError,
    );
  });

  it("may have as many names as messages, all of the longest length and with every character escaped", () => {
    const messages = Array.from({ length: MAX_PAGE_MESSAGES }, (_, n) =>
      renderMessage(`${"\u0001".repeat(124)}${n + 1000}`, "now", "{}"),
    );
    const page = decodePage(FEED, { ...storedPage(1, 1), ...encodePage(messages) });
    expect(page.messages.map(({ type }) => type)).toEqual(messages.map(({ type }) => type));
  });
});

describe("AMI text that is not UTF-8", () => {
  const eventOf = (value: string, charset?: string) =>
    renderAmiOnly(
      readAmi(readAmiText(`Event: A\r\nPrivilege: call,all\r\nX: ${value}\r\n\r\n`, charset)),
      "now",
    );

  it("comes out of a page byte for byte, with what it was read as", () => {
    const messages = [
      eventOf("a"),
      eventOf("M\u00fcller"),
      eventOf("\u00c8", "koi8-r"),
      eventOf("\u00c3\u00bc"),
    ];
    const page = { ...storedPage(1, 4), ...encodePage(messages) };
    expect(page.codec).toBe("zstd-lines-3");
    expect(decodePage(FEED, page).messages).toEqual(messages);
    expect(messages.map(({ ami }) => ami?.raw?.charset)).toEqual([
      undefined,
      "iso-8859-1",
      "koi8-r",
      undefined,
    ]);
  });

  it("is the only reason for a page that a relay of before cannot read", () => {
    expect(encodePage([eventOf("a"), eventOf("\u00c3\u00bc")]).codec).toBe("zstd-lines-2");
  });

  it("is shown as text, with its charset and its bytes", () => {
    const message = eventOf("M\u00fcller");
    const [shown] = JSON.parse(renderMessages([{ sequence: 1, message }], "ami"));
    expect(shown).toMatchObject({ fields: { X: "M\u00fcller" }, charset: "iso-8859-1" });
    expect(Buffer.from(shown.base64, "base64").toString("latin1")).toBe(shown.text);
    const [plain] = JSON.parse(renderMessages([{ sequence: 1, message: eventOf("a") }], "ami"));
    expect(Object.keys(plain)).toEqual(["sequence", "type", "timestamp", "text", "fields"]);
  });
});

describe("a page's item", () => {
  /** The fullest page: 500 events of the most bytes, with all the tail's memory in use. */
  function fullPage(producers: number, eventsEach: number, { refuseEverySecond = false } = {}): StoredPage {
    const renderedBytes = Math.floor(MAX_PAGE_TEXT_BYTES / MAX_PAGE_MESSAGES);
    const work = Array.from({ length: producers }, () => ({
      submission: {
        producer: { id: noise(128), position: 123_456_789_012_345 },
        events: Array.from({ length: eventsEach }, (_, n) =>
          refuseEverySecond && n % 2 === 0 ? refusedEvent : noisyEvent(renderedBytes - 200),
        ),
      },
      offset: 0,
    }));
    const ids = [noise(128), `${SQS_PRODUCER_PREFIX}${noise(36)}`];
    const remembered = ids.flatMap((id) =>
      Array.from({ length: REMEMBERED_PRODUCERS }, (_, n) => ({
        id: id.slice(0, -2) + (n + 10),
        start: 123_456_789_012_345,
        next: 123_456_789_012_345,
        gaps: Array.from({ length: 8 }, () => [123_456_789_012_345, 123_456_789_012_345] as const),
        page: 123_456_789,
        lastSeenEpochMillis: NOW,
      })),
    );
    const callMemory = fullCallMemory();
    const tail = tailOf({ segmentSize: 1e9, next: 123_456_789, producers: remembered, callMemory });
    return pageOf(planPage(tail, work, NOW));
  }

  /** A feed with more live channels than are remembered, all with the longest ids of Asterisk. */
  function fullCallMemory(): CallMemoryState {
    const converter = new AmiConverter(EMPTY_CALL_MEMORY);
    const turn = (type: string, body: JsonObject) => {
      converter.convert({ type, body, text: "{}" });
      converter.passed({ type, body });
    };
    for (let n = 0; n < 1000; n += 1) {
      const [caller, peer, local] = [
        { id: noise(64) },
        { id: noise(64) },
        { id: noise(64), name: `Local/${noise(90)};1` },
      ];
      turn("ChannelCreated", { channel: local });
      turn("Dial", { caller, peer });
      turn("ChannelDestroyed", { channel: { id: noise(64) } });
    }
    return converter.memory();
  }

  function pageOf(plan: PagePlan): StoredPage {
    return {
      ...encodePage(plan.messages),
      first: plan.first,
      appendedAtEpochMillis: NOW,
      appendId: "00000000-0000-0000-0000-000000000000",
      runs: plan.runs,
      producers: plan.producers,
      callMemory: packCallMemory(plan.callMemory),
    };
  }

  it("stays below DynamoDB's limit with 500 names of 128 characters, incompressible text and 44 producers", () => {
    const page = fullPage(REMEMBERED_PRODUCERS, 16);
    expect(page).toMatchObject({ count: MAX_PAGE_MESSAGES });
    expect(page.names).toHaveLength(MAX_PAGE_MESSAGES);
    expect(page.producers).toHaveLength(44);
    expect(page.callMemory?.byteLength).toBeGreaterThan(20_000);
    expect(itemBytes(page)).toBeLessThan(MAX_ITEM_BYTES);
  });

  it("stays below the limit with the largest incompressible events", () => {
    const events = [1, 2].map(() => noisyEvent(MAX_PAGE_TEXT_BYTES / 2 - 200));
    const page = pageOf(planPage(tailOf(), [{ submission: { events }, offset: 0 }], NOW));
    expect(page.count).toBe(2);
    expect(itemBytes(page)).toBeLessThan(MAX_ITEM_BYTES);
  });

  it("stays below the limit with the largest event that has an AMI form", () => {
    // Asterisk escapes these characters, which would make the AMI form too long.
    const value = noise(MAX_EVENT_BYTES - 200).replaceAll(/['?]/g, "x");
    const body = { type: "ChannelVarset", variable: "X", value };
    const event = { type: body.type, timestamp: undefined, text: JSON.stringify(body), body };
    const page = pageOf(planPage(tailOf(), [{ submission: { events: [{ event }] }, offset: 0 }], NOW));
    expect(page.names).toContain("event VarSet");
    expect(itemBytes(page)).toBeLessThan(MAX_ITEM_BYTES);
  });

  it("stays below the limit with any number of producers in the same append", () => {
    const page = fullPage(3000, 1);
    expect(page.count).toBe(REMEMBERED_PRODUCERS);
    expect(itemBytes(page)).toBeLessThan(MAX_ITEM_BYTES);
  });

  it("stays below the limit when refused events split a producer's positions into many runs", () => {
    const page = fullPage(1, 1000, { refuseEverySecond: true });
    expect(page.runs.length).toBeGreaterThan(100);
    expect(page.runs).toHaveLength(page.count);
    expect(itemBytes(page)).toBeLessThan(MAX_ITEM_BYTES);
  });
});
