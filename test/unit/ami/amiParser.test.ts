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

  it("keeps the bytes of a character that was cut off", () => {
    const [event] = parse(Buffer.from("Event: \u00fc").subarray(0, -1));
    expect(event).toEqual({
      kind: "event",
      text: "Event: \u00c3\r\n\r\n",
      raw: { latin1: "Event: \u00c3\r\n\r\n", charset: "iso-8859-1" },
    });
  });

  it("takes a byte order mark out in front of a block, and nowhere else", () => {
    const inside = "Event: A\r\nX: \ufeffb\r\n\r\n";
    expect(parse(`\ufeff${EVENT}\ufeff${inside}\ufeff\r\nEvent: B\r\n\r\n`)).toEqual([
      { kind: "event", text: EVENT },
      { kind: "event", text: inside },
      { kind: "event", text: "Event: B\r\n\r\n" },
    ]);
    const bytes = Buffer.from(`\ufeff${EVENT}`);
    expect(parse(...Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual([
      { kind: "event", text: EVENT },
    ]);
  });

  it.each(["utf16le", "utf16be"])("refuses %s as a whole, not its first event alone", (charset) => {
    const bytes = Buffer.from(`\ufeff${EVENT}${EVENT}`, "utf16le");
    expect(parse(charset === "utf16le" ? bytes : bytes.swap16())).toMatchObject([
      { error: { facts: { reason: expect.stringContaining("UTF-16") } } },
    ]);
  });

  it("reads the output of a command to its end marker, whatever its lines look like", () => {
    const output = `Response: Follows\r\nPrivilege: Command\r\nsales has 0 calls\n\n\nEvent: no event\n\nlast`;
    expect(parse(`${output}--END COMMAND--\r\n\r\n${EVENT}`)).toMatchObject([
      { kind: "response" },
      { kind: "event", text: EVENT },
    ]);
    expect(
      parse(
        `response:follows\n${"x".repeat(70_000)}\n${"y\n\n".repeat(90_000)}${"z".repeat(70_000)}--END COMMAND--\n\n${EVENT}`,
      ),
    ).toMatchObject([{ kind: "response" }, { kind: "event", text: EVENT }]);
  });

  it("takes the output of a command for one response also when another header comes first", () => {
    const output = "ActionID: 1\r\nResponse: Follows\r\na\n\nEvent: no event\n\n--END COMMAND--\r\n\r\n";
    expect(parse(`${output}${EVENT}`)).toMatchObject([{ kind: "other" }, { kind: "event", text: EVENT }]);
    const event = "Event: A\r\nPrivilege: call,all\r\nResponse: Follows\r\n\r\n";
    expect(parse(`${event}${EVENT}`)).toMatchObject([{ kind: "event", text: event }, { kind: "event" }]);
  });

  it("says that the output of a command has no end marker, and where it begins", () => {
    expect(parse(`${EVENT}Response: Follows\r\nPrivilege: Command\r\n\r\n${EVENT}`)).toMatchObject([
      { kind: "event" },
      {
        error: { code: "ami.syntax", facts: { line: 5, reason: expect.stringContaining("--END COMMAND--") } },
      },
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
