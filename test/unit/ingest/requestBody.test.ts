import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type EventBody, MAX_BODY_BYTES, readEventBody } from "../../../functions/ingest/requestBody.ts";
import { HttpProblem, type Problem } from "../../../shared/http/problem.ts";

const EVENT = '{"type":"Dial","n":1.0}';

function body(text: string | Uint8Array, more: Partial<EventBody> = {}): EventBody {
  return {
    bytes: typeof text === "string" ? Buffer.from(text) : text,
    contentType: "application/json",
    contentEncoding: undefined,
    ...more,
  };
}

function problemOf(input: EventBody): Problem {
  try {
    readEventBody(input);
  } catch (error) {
    if (error instanceof HttpProblem) return error.problem;
    throw error;
  }
  throw new Error("the body was accepted");
}

describe("readEventBody", () => {
  const event = { event: { type: "Dial", timestamp: undefined, text: EVENT, body: JSON.parse(EVENT) } };

  it.each<[string, EventBody]>([
    ["a JSON array", body(`[${EVENT},${EVENT}]`)],
    [
      "a JSON array with a character set",
      body(`[${EVENT},${EVENT}]`, { contentType: "Application/JSON; charset=utf-8" }),
    ],
    ["a JSON array with a byte order mark", body(`\ufeff[${EVENT},${EVENT}]`)],
    ["lines", body(`${EVENT}\r\n\n${EVENT}\n`, { contentType: "application/x-ndjson" })],
    ["gzip", body(gzipSync(`[${EVENT},${EVENT}]`), { contentEncoding: " GZIP " })],
    ["the encoding identity", body(`[${EVENT},${EVENT}]`, { contentEncoding: "identity" })],
  ])("reads %s", (_what, input) => {
    expect(readEventBody(input)).toEqual({ events: [event, event] });
  });

  it("keeps the places of refused events", () => {
    expect(readEventBody(body(`[${EVENT},7,${EVENT}]`)).events).toEqual([
      event,
      { error: expect.any(String) },
      event,
    ]);
    expect(readEventBody(body(`${EVENT}\nnonsense`, { contentType: "application/x-ndjson" })).events).toEqual(
      [event, { error: expect.stringContaining("not JSON") }],
    );
  });

  it("reads the events of an AMI text and counts the other blocks", () => {
    const blocks = ["Event: A\r\nPrivilege: call,all\r\nX: \r\n\r\n", "Event: B\r\n\r\n"];
    const text = `Asterisk Call Manager/12.0.0\r\nResponse: Success\r\n\r\n${blocks.join("")}`;
    expect(readEventBody(body(text, { contentType: "text/x-ami" }))).toEqual({
      events: [{ ami: { name: "A", classes: ["call"], text: blocks[0] } }],
      skipped: 3,
    });
  });

  it("says of AMI text with nothing to append what its blocks are", () => {
    const text = "Response: Success\r\n\r\nEvent: Status\r\nPrivilege: Call\r\n\r\n";
    expect(() => readEventBody(body(text, { contentType: "text/x-ami" }))).toThrow(/events of a response: 2/);
  });

  it.each([
    ["text/x-ami; charset=iso-8859-5", "iso-8859-5"],
    ['text/x-ami;charset="koi8-r"', "koi8-r"],
    ["text/x-ami; charset=utf-8", "iso-8859-1"],
    ["text/x-ami", "iso-8859-1"],
  ])("reads AMI text as %s says, else as Latin-1", (contentType, charset) => {
    const bytes = Buffer.from("Event: A\r\nPrivilege: call,all\r\nX: \u00c8\r\n\r\n", "latin1");
    expect(readEventBody({ bytes, contentType, contentEncoding: undefined }).events).toMatchObject([
      { ami: { raw: { latin1: bytes.toString("latin1"), charset } } },
    ]);
  });

  it("refuses a charset that AMI text cannot be read in", () => {
    expect(() => readEventBody(body("Event: A", { contentType: "text/x-ami; charset=utf-16" }))).toThrow(
      "charset",
    );
  });

  it("takes one event whose JSON has line breaks, as lines", () => {
    const text = JSON.stringify({ type: "A", args: [] }, null, 2);
    expect(readEventBody(body(text, { contentType: "application/x-ndjson" })).events).toMatchObject([
      { event: { type: "A" } },
    ]);
  });

  it("accepts a body of exactly the limit, compressed or not", () => {
    const text = `[${EVENT}]`.padEnd(MAX_BODY_BYTES, " ");
    expect(readEventBody(body(text)).events).toHaveLength(1);
    expect(readEventBody(body(gzipSync(text), { contentEncoding: "gzip" })).events).toHaveLength(1);
  });

  const tooLarge = `[${EVENT}]`.padEnd(MAX_BODY_BYTES + 1, " ");
  it.each<[string, EventBody, Partial<Problem>, string?]>([
    ["no JSON", body("[{"), { status: 400, code: "body.invalid" }, "body"],
    ["no array", body(EVENT), { status: 400, code: "body.invalid" }, "body"],
    ["an empty array", body("[]"), { status: 400, code: "body.empty" }],
    ["nothing", body("", { contentType: "application/x-ndjson" }), { status: 400, code: "body.empty" }],
    [
      "a body that is not UTF-8",
      body(Buffer.from([0x5b, 0xff, 0x5d])),
      { status: 400, code: "body.invalid" },
    ],
    [
      "a body that is not gzip",
      body("x", { contentEncoding: "gzip" }),
      { status: 400, code: "body.invalid" },
    ],
    [
      "truncated gzip",
      body(gzipSync(`[${EVENT}]`).subarray(0, -3), { contentEncoding: "gzip" }),
      { status: 400, code: "body.invalid" },
    ],
    ["too many bytes", body(tooLarge), { status: 413, code: "body.too-large" }],
    [
      "too many bytes after decompression",
      body(gzipSync(tooLarge), { contentEncoding: "gzip" }),
      { status: 413, code: "body.too-large" },
    ],
    [
      "no content type",
      body("[]", { contentType: undefined }),
      { status: 415, code: "content-type.unsupported" },
      "header.content-type",
    ],
    [
      "another content type",
      body("[]", { contentType: "text/plain" }),
      { status: 415, code: "content-type.unsupported" },
      "header.content-type",
    ],
    [
      "another encoding",
      body("[]", { contentEncoding: "br" }),
      { status: 415, code: "content-encoding.unsupported" },
      "header.content-encoding",
    ],
  ])("refuses %s and names the place", (_what, input, problem, at) => {
    const answered = problemOf(input);
    expect(answered).toMatchObject(problem);
    expect(answered.errors?.map((each) => each.at)).toEqual(at === undefined ? undefined : [at]);
  });
});
