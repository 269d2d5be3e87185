import { describe, expect, it } from "vitest";
import { MAX_EVENT_BYTES, readEvent } from "../../../shared/stasis/event.ts";

/** An event of exactly this many bytes. */
function eventOfBytes(bytes: number, filler = "x"): string {
  const frame = '{"type":"A","x":""}';
  return frame.replace('""', `"${filler.repeat((bytes - frame.length) / Buffer.byteLength(filler))}"`);
}

describe("readEvent", () => {
  it.each([
    ["", "not JSON: Unexpected end of JSON input"],
    ["{", "not JSON: "],
    ['{"type":"A"} x', "not JSON: "],
    ["[]", "expected object, received array"],
    ["3", "expected object, received number"],
    ["null", "expected object, received null"],
    ["{}", "type: Invalid input: expected string, received undefined"],
    ['{"type":1}', "type: Invalid input: expected string, received number"],
    ['{"type":""}', "type: Too small"],
    [`{"type":"${"a".repeat(129)}"}`, "type: Too big"],
    ['{"type":"\\ud800"}', "type: must consist of visible characters"],
    ['{"type":"A b"}', "type: must consist of visible characters"],
    ['{"type":"A"}{"type":"B"}', "--data-binary"],
    ['{"type":"A\\u0000"}', "type: must consist of visible characters"],
    ['{"type":"A\uffff"}', "type: must consist of visible characters"],
    ['{"type":"A","x":"\ud800"}', "not Unicode"],
  ])("refuses %j and names the place", (text, error) => {
    expect(readEvent(text)).toEqual({ error: expect.stringContaining(error) });
  });

  it.each([
    '"timestamp":null',
    '"timestamp":""',
    '"timestamp":1700000000123',
    '"timestamp":{"at":1}',
    `"timestamp":"${"0".repeat(65)}"`,
    '"asterisk_id":null',
    '"asterisk_id":7',
    '"application":null',
    '"application":[]',
    '"channel":null',
  ])("takes %s as if it were absent, and passes it on as it is", (field) => {
    const text = `{"type":"A",${field}}`;
    expect(readEvent(text)).toEqual({
      event: { type: "A", timestamp: undefined, text, body: JSON.parse(text) },
    });
  });

  it("takes a byte order mark for no content", () => {
    expect(readEvent('\ufeff{"type":"A"}')).toEqual(readEvent('{"type":"A"}'));
  });

  it("keeps the error short, however long the malformed text is", () => {
    const refusal = readEvent(`nonsense ${"x".repeat(10_000)}`);
    expect("error" in refusal && refusal.error.length).toBeLessThan(300);
  });

  it.each([
    ["x", 1],
    ["é", 2],
  ])("counts the limit in bytes, not characters (%s)", (filler, width) => {
    const largest = MAX_EVENT_BYTES - ((MAX_EVENT_BYTES - 19) % width);
    expect(readEvent(eventOfBytes(largest, filler))).toHaveProperty("event");
    expect(readEvent(eventOfBytes(largest + 2 * width, filler))).toEqual({
      error: `the event has ${largest + 2 * width} bytes; at most ${MAX_EVENT_BYTES} are accepted`,
    });
  });

  it("keeps types that no Asterisk version has yet, with all unknown fields", () => {
    const text = '{"type":"HologramStarted","timestamp":"2031-01-01T00:00:00.000+0000","depth":[{"z":1.0}]}';
    expect(readEvent(text)).toEqual({
      event: {
        type: "HologramStarted",
        timestamp: "2031-01-01T00:00:00.000+0000",
        text,
        body: JSON.parse(text),
      },
    });
  });

  it("keeps the text byte-equal: numbers, escapes, key order, doubled keys, inner spaces", () => {
    const text =
      '{"b":1.0,"a":1e3,"type":"A","n":12345678901234567890,"s":"\\u00e9\\/ é  \\n","b":-0.0, "c" : 2}';
    expect(readEvent(text)).toEqual({
      event: { type: "A", timestamp: undefined, text, body: JSON.parse(text) },
    });
  });

  it("removes line breaks between tokens and keeps the escaped ones in strings", () => {
    const text = '\r\n{\n  "type": "A",\r\n  "s": "one\\r\\ntwo\\n"\n}\n';
    expect(readEvent(text)).toEqual({
      event: {
        type: "A",
        timestamp: undefined,
        text: '{   "type": "A",   "s": "one\\r\\ntwo\\n" }',
        body: { type: "A", s: "one\r\ntwo\n" },
      },
    });
  });
});
