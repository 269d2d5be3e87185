import { describe, expect, it } from "vitest";
import { type AmiItem, AmiParser, fieldsOf, readAmi } from "../../../shared/ami/amiParser.ts";

function parse(...chunks: readonly (string | Uint8Array)[]): AmiItem[] {
  const parser = new AmiParser();
  return [...chunks.flatMap((chunk) => [...parser.feed(chunk)]), ...parser.end()];
}

const EVENT = "Event: A\r\nPrivilege: call,all\r\nX: ü\r\n\r\n";
const RESPONSE = "Response: Success\r\nMessage: hello\r\n\r\n";

describe("AmiParser", () => {
  it("tells the greeting, responses and events apart", () => {
    expect(
      parse(`Asterisk Call Manager/12.0.0\r\n${RESPONSE}${EVENT}ActionID: 1\r\n\r\nevent: B\r\n\r\n`),
    ).toEqual([
      { kind: "greeting", text: "Asterisk Call Manager/12.0.0\r\n\r\n" },
      { kind: "response", text: RESPONSE },
      { kind: "event", text: EVENT },
      { kind: "other", text: "ActionID: 1\r\n\r\n" },
      { kind: "event", text: "event: B\r\n\r\n" },
    ]);
  });

  it("accepts bare line feeds, several empty lines, and an unfinished last block", () => {
    expect(parse("\n\r\nEvent: A\nX: 1\n\n\n\nEvent: B")).toEqual([
      { kind: "event", text: "Event: A\r\nX: 1\r\n\r\n" },
      { kind: "event", text: "Event: B\r\n\r\n" },
    ]);
  });

  it("accepts bytes cut anywhere, even within a character", () => {
    const bytes = Buffer.from(`${RESPONSE}${EVENT}`);
    const one = Array.from(bytes, (byte) => Buffer.from([byte]));
    expect(parse(...one)).toEqual(parse(bytes));
  });

  it("removes stray carriage returns and zero bytes, so that no value contains them", () => {
    expect(parse("Event: A\r\nX: 1\r2\0 3\r\n\r\n")).toEqual([
      { kind: "event", text: "Event: A\r\nX: 12 3\r\n\r\n" },
    ]);
  });

  it.each([
    ["a line", `X: ${"x".repeat(70_000)}\r\n`, 2],
    ["a block", `X: ${"x".repeat(60_000)}\r\n`.repeat(3), 4],
  ])("reports %s that is too long, with its line, and continues after the block", (_what, tooLong, line) => {
    const [broken, next] = parse(`Event: A\r\n${tooLong}Y: 1\r\n\r\n${EVENT}`);
    expect(broken).toMatchObject({ error: { code: "ami.syntax", facts: { line } } });
    expect(next).toEqual({ kind: "event", text: EVENT });
  });

  it("reports the first line of a block that is too long", () => {
    const long = `X: ${"x".repeat(70_000)}\r\n`;
    expect(parse(`Event: A\r\n${long}${long}\r\n`)).toMatchObject([{ error: { facts: { line: 2 } } }]);
  });

  it("marks a character that is cut off at the end", () => {
    expect(parse(Buffer.from("Event: \u00fc").subarray(0, -1))).toEqual([
      { kind: "event", text: "Event: \ufffd\r\n\r\n" },
    ]);
  });

  it("keeps an endless line only up to the limit", () => {
    const parser = new AmiParser();
    for (let count = 0; count < 1000; count += 1) expect([...parser.feed("x".repeat(10_000))]).toEqual([]);
    expect([...parser.end()]).toMatchObject([{ error: { code: "ami.syntax" } }]);
  });
});

describe("an event's headers", () => {
  it("give its name and classes", () => {
    expect(readAmi(EVENT)).toEqual({ name: "A", classes: ["call"], text: EVENT });
    expect(readAmi("EVENT:B\r\nprivilege: system,all\r\n\r\n")).toMatchObject({
      name: "B",
      classes: ["system"],
    });
    expect(readAmi("Event: C\r\nX: call,all\r\n\r\n")).toMatchObject({ name: "C", classes: undefined });
  });

  it("are fields by name: repeated headers are lists, and no name is special", () => {
    const text =
      "Event: A\r\nV: a=1\r\nV:  b \r\nV:\r\nno colon\r\n__proto__: x\r\nconstructor: y\r\n\r\nlate: 1\r\n";
    const fields = fieldsOf(text);
    expect(Object.entries(fields)).toEqual([
      ["Event", "A"],
      ["V", ["a=1", " b ", ""]],
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
    expect(Object.getPrototypeOf(fields)).toBe(Object.prototype);
  });
});
