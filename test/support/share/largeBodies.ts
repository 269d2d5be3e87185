import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { FEED, largeInput, settled } from "./largeInput.ts";

const MEGABYTE = 1024 * 1024;
const event = (fields: string) => `{"type":"A"${fields}}`;

/** Bodies of about `bytes`, each large in another way. */
const shapes: Readonly<Record<string, { type: string; text(bytes: number): string }>> = {
  "deep arrays": {
    type: "application/json",
    text: (bytes) => `[${event(`,"x":${"[".repeat(bytes / 2)}${"]".repeat(bytes / 2)}`)}]`,
  },
  "deep objects": {
    type: "application/json",
    text: (bytes) => `[${event(`,"x":${'{"a":'.repeat(bytes / 6)}1${"}".repeat(bytes / 6)}`)}]`,
  },
  "an unclosed array": { type: "application/json", text: (bytes) => "[".repeat(bytes) },
  "one text": { type: "application/json", text: (bytes) => `[${event(`,"x":"${"x".repeat(bytes)}"`)}]` },
  "escaped text": {
    type: "application/json",
    text: (bytes) => `[${event(`,"x":"${"\\u0000".repeat(bytes / 6)}"`)}]`,
  },
  "a long number": { type: "application/json", text: (bytes) => `[${event(`,"x":${"9".repeat(bytes)}`)}]` },
  "many fields": {
    type: "application/x-ndjson",
    text: (bytes) => event(Array.from({ length: bytes / 12 }, (_, n) => `,"k${n}":1`).join("")),
  },
  "tiny events": { type: "application/x-ndjson", text: (bytes) => `${event("")}\n`.repeat(bytes / 13) },
  "as many events as are accepted": {
    type: "application/x-ndjson",
    text: (bytes) => `${event("")}\n`.repeat(Math.min(10_000, bytes / 13)),
  },
  "as many types as events": {
    type: "application/x-ndjson",
    text: (bytes) =>
      Array.from(
        { length: Math.min(10_000, bytes / 100) },
        (_, n) => `{"type":"${`t${n}`.padEnd(80, "x")}"}\n`,
      ).join(""),
  },
  "many calls": {
    type: "application/x-ndjson",
    text: (bytes) =>
      Array.from(
        { length: Math.min(10_000, bytes / 200) },
        (_, n) =>
          `{"type":"ChannelCreated","channel":{"id":"${n}.1","name":"PJSIP/${n}","state":"Ring","caller":{"name":"","number":""},"connected":{"name":"","number":""}}}\n`,
      ).join(""),
  },
  "empty lines": { type: "application/x-ndjson", text: (bytes) => "\n".repeat(bytes) },
  "braces on a line": { type: "application/x-ndjson", text: (bytes) => "{}".repeat(bytes / 2) },
  "a wide user event": {
    type: "application/json",
    text: (bytes) =>
      `[{"type":"ChannelUserevent","eventname":"x","userevent":{${Array.from({ length: Math.min(bytes, 120_000) / 12 }, (_, n) => `"k${n}":"\\n"`).join(",")}}}]`,
  },
  "an AMI event with many headers": {
    type: "text/x-ami",
    text: (bytes) => `Event: A\r\n${"X: y\r\n".repeat(bytes / 6)}\r\n`,
  },
  "many AMI events": { type: "text/x-ami", text: (bytes) => "Event: A\r\n\r\n".repeat(bytes / 12) },
  "AMI text in one line": { type: "text/x-ami", text: (bytes) => `Event: ${"A".repeat(bytes)}` },
  "AMI output without an end": {
    type: "text/x-ami",
    text: (bytes) => `Response: Follows\r\n${"x\r\n".repeat(bytes / 3)}`,
  },
  "AMI text that is not UTF-8": {
    type: "text/x-ami",
    text: (bytes) => `Event: A\r\nX: ${"é".repeat(bytes / 2)}\r\n\r\n`,
  },
};

/** Several bodies at once, plain or as gzip. */
export const largeBodies = fc
  .record({
    shape: fc.constantFrom(...Object.keys(shapes)),
    bytes: fc.constantFrom(1000, 100_000, MEGABYTE - 200, 9 * MEGABYTE),
    coding: fc.constantFrom("identity", "gzip", "gzip of gzip"),
    atOnce: fc.integer({ min: 1, max: 8 }),
    isWrapped: fc.boolean(),
  })
  .map((facts) =>
    largeInput("bodies", facts, () => {
      const { type, text } = shapes[facts.shape] ?? { type: "", text: () => "" };
      const plain = Buffer.from(text(facts.bytes), facts.shape.endsWith("not UTF-8") ? "latin1" : "utf8");
      const once = facts.coding === "identity" ? plain : gzipSync(plain);
      const raw = new Uint8Array(facts.coding === "gzip of gzip" ? gzipSync(once) : once);
      const headers = {
        "content-type": type,
        ...(facts.coding === "identity" ? {} : { "content-encoding": "gzip" }),
      };
      return async (relay) => {
        if (facts.isWrapped) await relay.call("PATCH", `/v1/feeds/${FEED}`, { body: { wrapUnmapped: true } });
        await settled(
          Array.from({ length: facts.atOnce }, () =>
            relay.call("POST", `/v1/feeds/${FEED}/events`, { raw, headers }),
          ),
        );
        await settled([
          relay.call("GET", `/v1/feeds/${FEED}/messages?limit=1000&format=ami`),
          relay.call("GET", `/v1/feeds/${FEED}/messages?limit=1000`),
        ]);
      };
    }),
  );
