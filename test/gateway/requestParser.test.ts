import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AmiRequest, filledHeaderOf, headerOf } from "../../gateway/protocol/request.ts";
import { RequestParser } from "../../gateway/protocol/requestParser.ts";

function parse(text: string, cuts: readonly number[] = []): AmiRequest[] {
  const bytes = Buffer.from(text, "latin1");
  const parser = new RequestParser();
  const borders = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return borders.slice(1).flatMap((end, index) => [...parser.feed(bytes.subarray(borders[index], end))]);
}

describe("the parser of requests", () => {
  it("finds the same requests, however the bytes are cut", () => {
    const piece = fc.oneof(
      fc.constantFrom("Action: Ping", "\r\n", "\n", "\r", "\0", "\r\n\r\n", ": ", "x".repeat(1023)),
      fc.string({ unit: "binary-ascii", maxLength: 30 }),
    );
    const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 20 }), (written, cuts) => {
        expect(parse(written, cuts)).toEqual(parse(written));
      }),
    );
  });

  it("reads byte by byte what it reads at once", () => {
    const text = "Action: Login\r\nUsername: a\n\nAction:Ping\r\nActionID: \xe9 \r\n\r\n";
    const every = Array.from({ length: text.length }, (_, index) => index);
    expect(parse(text, every)).toEqual([
      { lines: ["Action: Login", "Username: a"] },
      { lines: ["Action:Ping", "ActionID: \xe9 "] },
    ]);
  });

  it("keeps a line of 1,022 bytes and refuses a longer one, as Manager does", () => {
    const line = (bytes: number) => `X: ${"a".repeat(bytes - 3)}\r\n`;
    expect(parse(`${line(1022)}ActionID: 1\r\n\r\n`)).toEqual([
      { lines: [line(1022).trim(), "ActionID: 1"] },
    ]);
    const [refused] = parse(`${line(1500)}ActionID: 1\r\n\r\n`);
    expect(refused?.problem).toBe("line-too-long");
    expect(refused && headerOf(refused, "ActionID")).toBe("1");
  });

  it("keeps 128 headers, and marks a request with more", () => {
    const lines = (count: number) => Array.from({ length: count }, (_, index) => `H${index}: v\r\n`).join("");
    expect(parse(`${lines(128)}\r\n`).map(({ problem }) => problem)).toEqual([undefined]);
    const [marked] = parse(`${lines(5_000)}\r\n`);
    expect(marked?.problem).toBe("too-many-lines");
    expect(marked?.lines.length).toBe(128);
  });

  it("holds no more than one line and 128 headers of an endless request", () => {
    const parser = new RequestParser();
    const chunk = Buffer.alloc(64 * 1024, "a");
    const before = process.memoryUsage().heapUsed;
    for (let count = 0; count < 500; count += 1) expect([...parser.feed(chunk)]).toEqual([]);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(20 * 2 ** 20);
  });
});

describe("a header", () => {
  const request = { lines: ["action:  Ping", "ACTION: Other", "Empty:", "Empty: filled", "Event: on"] };

  it("is found in any case, without the blanks before its value", () => {
    expect(headerOf(request, "Action")).toBe("Ping");
    expect(headerOf(request, "Events")).toBe("");
  });

  it("that is empty is passed over when the action is looked for", () => {
    expect(headerOf(request, "Empty")).toBe("");
    expect(filledHeaderOf(request, "Empty")).toBe("filled");
  });
});
