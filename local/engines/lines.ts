import type { Readable } from "node:stream";

const LINE_FEED = 0x0a;

/**
 * Calls `onLine` for each line of UTF-8 text. Only a line feed ends a line: `node:readline` also ends lines at U+2028 and
 * U+2029, which JSON texts may hold.
 */
export function onLines(stream: Readable, onLine: (line: string) => void): void {
  let unfinished: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      onLine(Buffer.concat([...unfinished, chunk.subarray(start, end)]).toString("utf8"));
      unfinished = [];
      start = end + 1;
    }
    if (start < chunk.length) unfinished.push(chunk.subarray(start));
  });
}
