import { PassThrough } from "node:stream";
import fc from "fast-check";
import { expect, it } from "vitest";
import { onLines } from "../../local/engines/lines.ts";

function linesOf(chunks: readonly Uint8Array[]): string[] {
  const stream = new PassThrough();
  const lines: string[] = [];
  onLines(stream, (line) => lines.push(line));
  for (const chunk of chunks) stream.emit("data", Buffer.from(chunk));
  return lines;
}

it("only a line feed ends a line", () => {
  const text = JSON.stringify("a\u2028b\u2029c\u0085d\u000be");
  expect(linesOf([Buffer.from(`${text}\n`)])).toEqual([text]);
});

it("lines are whole however their bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "binary" }).map((text) => text.replaceAll("\n", "").toWellFormed())),
      fc.integer({ min: 1, max: 7 }),
      (texts, size) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(""));
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
          bytes.subarray(index * size, (index + 1) * size),
        );
        expect(linesOf(chunks)).toEqual(texts);
      },
    ),
  );
});
