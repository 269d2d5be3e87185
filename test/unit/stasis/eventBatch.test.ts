import { describe, expect, it } from "vitest";
import { splitArray, splitEvents, splitLines } from "../../../shared/stasis/eventBatch.ts";

describe("splitLines", () => {
  it("makes one text of each line and skips empty lines", () => {
    expect(splitLines('{"a":1}\n\n  \r\n{"b":2}\r\n')).toEqual(['{"a":1}', '{"b":2}\r']);
  });

  it("does not check the lines, so that one bad line cannot lose the others", () => {
    expect(splitLines('nonsense\n{"a":1}')).toEqual(["nonsense", '{"a":1}']);
  });

  it("finds no texts in an empty body", () => {
    expect(splitLines("")).toEqual([]);
  });
});

describe("splitEvents", () => {
  it("takes one event whose JSON has line breaks as one", () => {
    const event = '{\n  "type": "A",\r\n\n  "args": []\n}\n';
    expect(splitEvents(event)).toEqual([event]);
    expect(splitEvents(`\ufeff${event}`)).toHaveLength(1);
  });

  it("takes each of several formatted events as one, beside events on one line", () => {
    const formatted = '{\n  "type": "A",\n  "args": [\n    {\n    }\n  ]\n}';
    expect(splitEvents(`${formatted}\n{"a":1}\n\ufeff${formatted}\r\n`)).toEqual([
      formatted,
      '{"a":1}',
      `\ufeff${formatted}\r`,
    ]);
  });

  it("loses no other line to a formatted event that is not JSON", () => {
    expect(splitEvents('{\n"a":\n{"b":1}\n{\n"c":2\n}\n{"d":1}\n{\n"e"')).toEqual([
      "{",
      '"a":',
      '{"b":1}',
      '{\n"c":2\n}',
      '{"d":1}',
      "{",
      '"e"',
    ]);
    expect(splitEvents('{\n"a"\n}\n{"b":1}')).toEqual(["{", '"a"', "}", '{"b":1}']);
  });

  it("takes everything else line by line", () => {
    expect(splitEvents('{"a":1}\n{"b":\n{"c":1}')).toEqual(['{"a":1}', '{"b":', '{"c":1}']);
    expect(splitEvents('{"a":1}')).toEqual(['{"a":1}']);
    expect(splitEvents("")).toEqual([]);
  });
});

describe("splitArray", () => {
  it("takes a byte order mark for no content", () => {
    expect(splitArray("\ufeff [1, 2]")).toEqual({ texts: ["1", "2"] });
  });

  it.each([
    ["[]", []],
    [" [ \n ] ", []],
    ["[[]]", ["[]"]],
    ["[1]", ["1"]],
    ['[ {"a":[1,2]} , {"b":{}} ]', ['{"a":[1,2]}', '{"b":{}}']],
    ["[1.0,1e3,12345678901234567890,-0.0]", ["1.0", "1e3", "12345678901234567890", "-0.0"]],
    ['["]","}","[,","\\"],","\\\\"]', ['"]"', '"}"', '"[,"', '"\\"],"', '"\\\\"']],
    ['[{"a":"},{"},null]', ['{"a":"},{"}', "null"]],
  ])("splits %s into its elements as written", (body, texts) => {
    expect(splitArray(body)).toEqual({ texts });
  });

  it.each([
    ["", "the body is not JSON: Unexpected end of JSON input"],
    ["[1,]", "the body is not JSON: "],
    ['[{"a":1}', "the body is not JSON: "],
    ['{"a":1}', "the body must be a JSON array of events"],
    ['"[1]"', "the body must be a JSON array of events"],
    ["null", "the body must be a JSON array of events"],
  ])("refuses %j", (body, error) => {
    expect(splitArray(body)).toEqual({ error: expect.stringContaining(error) });
  });
});
