import { describe, expect, it } from "vitest";
import { judge } from "../../bridge/ship/answer.ts";
import { waitBeforeSending } from "../../bridge/ship/pacing.ts";
import { MAX_RECORD_BYTES, requestBody } from "../../bridge/ship/requestBody.ts";
import { nextStep } from "../../bridge/ship/retryRules.ts";
import type { SpoolRecord } from "../../bridge/spool.ts";
import { RelayCallError } from "../../client/index.ts";
import { readEventBody } from "../../functions/ingest/requestBody.ts";

function record(format: SpoolRecord["format"], text: string | Buffer): SpoolRecord {
  const body = typeof text === "string" ? Buffer.from(text, "latin1") : text;
  return { format, body, receivedAtEpochMillis: 0 };
}

function asRelayReads(records: readonly SpoolRecord[]) {
  const { format, bytes } = requestBody(records);
  const contentType = format === "ami" ? "text/x-ami" : "application/x-ndjson";
  return readEventBody({ bytes, contentType, contentEncoding: undefined });
}

describe("a request's body", () => {
  it("has one event for each Stasis record, whatever the record is", () => {
    const texts = [
      '{"type":"A"}',
      "",
      " ",
      '{"type":"B"}\r',
      "{",
      '{"type":\n"C"}',
      "\xff\xfe",
      '{"type":"D"}',
    ];
    const large = record("stasis", Buffer.alloc(MAX_RECORD_BYTES + 1, "{"));
    const { events } = asRelayReads([...texts.map((text) => record("stasis", text)), large]);
    expect(events.map((each) => ("event" in each ? each.event.type : "refused"))).toEqual([
      ...["A", "refused", "refused", "B", "refused", "refused", "refused", "D", "refused"],
    ]);
  });

  it("has one event for each AMI record, and keeps the bytes of names that are not UTF-8", () => {
    const all = "Privilege: call,all\r\n";
    const texts = [
      `Event: Newchannel\r\n${all}CallerIDName: J\xfcrgen\r\n\r\n`,
      "Response: Success\r\nMessage: Authentication accepted\r\n\r\n",
      "Event: Status\r\nPrivilege: Call\r\nActionID: 1\r\n\r\n",
      `Event: A\r\n${all}\r\nEvent: B\r\n${all}\r\n`,
      "",
      "\xff\xfeE\x00v\x00",
      "Response: Follows\r\nPrivilege: Command\r\nand so on\r\n\r\n",
      `Event: NoEmptyLine\r\n${all}`,
      `Event: NoLineEnd\r\n${all.trim()}`,
      `Event: BareLineFeeds\n${all.trim()}\n\n`,
      `Event: Last\r\n${all}\r\n`,
    ];
    const { events, skipped } = asRelayReads(texts.map((text) => record("ami", text)));
    expect(skipped).toBe(0);
    expect(events.map((each) => ("ami" in each ? each.ami.name : "refused"))).toEqual([
      ...["Newchannel", "refused", "refused", "refused", "refused", "refused", "refused"],
      ...["NoEmptyLine", "NoLineEnd", "BareLineFeeds", "Last"],
    ]);
    expect(events[0]).toMatchObject({ ami: { raw: { charset: "iso-8859-1" } } });
  });

  it("says why a record was replaced", () => {
    const { replaced } = requestBody([record("ami", "Response: Success\r\n\r\n"), record("ami", "x")]);
    expect([...replaced.keys()]).toEqual([0, 1]);
    expect(replaced.get(0)).toContain("a response");
  });
});

describe("an answer", () => {
  const sent = { position: 11, count: 5, resentThrough: 10, replaced: new Map([[1, "too large"]]) };

  it("names refused records by position, with the bridge's own reason where it replaced one", () => {
    const refused = [
      { index: 1, error: "not an object" },
      { index: 4, error: "no type" },
    ];
    expect(judge({ first: 1, last: 3, accepted: 3, duplicates: 0, refused }, sent)).toEqual({
      kind: "stored",
      through: 15,
      accepted: 3,
      duplicates: 0,
      refused: [
        { position: 12, reason: "too large" },
        { position: 15, reason: "no type" },
      ],
    });
  });

  it("may know what was sent before", () => {
    const verdict = judge({ accepted: 2, duplicates: 3, refused: [] }, { ...sent, resentThrough: 13 });
    expect(verdict).toMatchObject({ kind: "stored", through: 15, duplicates: 3 });
    expect(verdict).not.toHaveProperty("conflict");
  });

  it("that knows a record never sent before reveals another producer of the same name; the record is sent again", () => {
    const verdict = judge({ accepted: 0, duplicates: 5, refused: [] }, { ...sent, resentThrough: 12 });
    expect(verdict).toMatchObject({
      through: 12,
      duplicates: 2,
      conflict: expect.stringContaining("3 new events"),
    });
  });

  it("that knows some records and stored others keeps those it took for somebody else's in the table of refused events", () => {
    const verdict = judge({ accepted: 3, duplicates: 2, refused: [] }, sent);
    expect(verdict).toMatchObject({ through: 15, refused: [{ position: 11 }, { position: 12 }] });
  });

  it("that counts other events than were sent is a conflict", () => {
    expect(judge({ accepted: 4, duplicates: 0, refused: [] }, sent)).toHaveProperty("conflict");
  });

  it("of something else than a relay is senseless", () => {
    for (const answer of [undefined, "ok", { status: "ok" }, { accepted: -1, duplicates: 0, refused: [] }])
      expect(judge(answer, sent).kind).toBe("senseless");
  });
});

describe("after a failure", () => {
  const failure = (status: number | undefined, code: string, retryAfterMillis?: number) =>
    new RelayCallError(
      "POST",
      { ...(status === undefined ? {} : { status }), code, detail: "" },
      { retryAfterMillis },
    );
  const attempt = { records: 10, failures: 1, random: 0.5 };

  it("without an answer, or with a busy relay, it waits a random time that grows", () => {
    for (const error of [
      failure(undefined, "call.failed"),
      failure(429, "http.429"),
      failure(503, "append.timeout"),
    ])
      expect(nextStep(error, attempt)).toEqual({ kind: "wait", state: "backing-off", millis: 100 });
    expect(nextStep(failure(503, "x"), { ...attempt, failures: 4 })).toMatchObject({ millis: 800 });
    expect(nextStep(failure(503, "x"), { ...attempt, failures: 500 })).toMatchObject({ millis: 7500 });
  });

  it("waits as long as the relay asks, and some more; but not for hours", () => {
    expect(nextStep(failure(429, "x", 5000), attempt)).toMatchObject({ millis: 5100 });
    expect(nextStep(failure(503, "x", 9e9), attempt)).toMatchObject({ millis: 300_100 });
  });

  it("that a person must repair, it tries rarely and says which kind it is", () => {
    const stateOf = (status: number, code: string) => nextStep(failure(status, code), attempt);
    expect(stateOf(401, "key.wrong")).toEqual({ kind: "wait", state: "denied", millis: 22_500 });
    expect(stateOf(403, "http.403")).toMatchObject({ state: "denied" });
    expect(stateOf(404, "http.404")).toMatchObject({ state: "misconfigured" });
    expect(stateOf(400, "feed.name-invalid")).toMatchObject({ state: "misconfigured" });
    expect(stateOf(200, "answer.invalid")).toMatchObject({ state: "misconfigured" });
  });

  it("of a body that is too large or unreadable, it sends less at once", () => {
    expect(nextStep(failure(413, "http.413"), attempt)).toEqual({ kind: "split" });
    expect(nextStep(failure(400, "body.invalid"), attempt)).toEqual({ kind: "split" });
  });

  it("of positions, it takes a new name", () => {
    expect(nextStep(failure(409, "producer.position-conflict"), attempt)).toEqual({ kind: "conflict" });
  });
});

describe("the pace", () => {
  const wait = (records: number, waitedMillis: number, sinceSentMillis: number) =>
    waitBeforeSending(records, { waitedMillis, sinceSentMillis });

  it("sends a full page at once, and the first event after a pause soon", () => {
    expect(wait(0, 0, 0)).toBeUndefined();
    expect(wait(50, 0, 0)).toBe(0);
    expect(wait(1, 0, 60_000)).toBe(20);
    expect(wait(1, 20, 60_000)).toBe(0);
  });

  it("lets no event wait longer than 200 ms", () => {
    for (let sinceSentMillis = 0; sinceSentMillis <= 400; sinceSentMillis += 10)
      expect(wait(1, 0, sinceSentMillis)).toBeLessThanOrEqual(200);
    expect(wait(49, 100, 100)).toBe(100);
    expect(wait(49, 200, 200)).toBe(0);
  });
});
