import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { createGunzip, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { webhookText } from "../../../client/index.ts";
import { deflateEnd, gzipOf } from "../../../shared/webhook/gzip.ts";

const compress = async (first: Uint8Array, second: Uint8Array) =>
  gzipOf(first, second, await deflateEnd(second));

const beginning = Buffer.from('{"session":"ses_ü","messages":');
const end = Buffer.from(`[${Array.from({ length: 6_000 }, (_, n) => `{"n":${n},"text":"Größe 🎉"}`)}]}`);
const text = Buffer.concat([beginning, end]);

describe("a body of two parts as gzip", () => {
  it.each([
    ["a long text, compressed in a thread", beginning, end],
    ["a short text, compressed at once", beginning, end.subarray(0, 1_000)],
    ["an empty beginning", Buffer.alloc(0), end],
    ["an empty end", beginning, Buffer.alloc(0)],
    ["nothing", Buffer.alloc(0), Buffer.alloc(0)],
    [
      "the longest beginning, and an end that does not get smaller",
      Buffer.alloc(0xffff, "x"),
      randomBytes(100_000),
    ],
  ])("holds %s", async (_what, first, second) => {
    expect(gunzipSync(await compress(first, second))).toEqual(Buffer.concat([first, second]));
  });

  it("refuses a beginning that no stored block can hold", async () => {
    await expect(compress(Buffer.alloc(0x10000), end)).rejects.toThrow(RangeError);
  });

  it("has the same end behind many beginnings", async () => {
    const deflated = await deflateEnd(end);
    for (const each of ["{", '{"a":1,', "x".repeat(300)].map((piece) => Buffer.from(piece)))
      expect(gunzipSync(gzipOf(each, end, deflated))).toEqual(Buffer.concat([each, end]));
  });

  it("is one member that ends with its bytes", async () => {
    const compressed = await compress(beginning, end);
    // A second member would begin with the same two bytes, and a reader of one member would stop before it.
    const inflate = createGunzip();
    inflate.end(compressed);
    expect((await buffer(inflate)).equals(text)).toBe(true);
    expect(inflate.bytesWritten).toBe(compressed.length);
  });

  it("is checked by its checksum and its length", async () => {
    for (const place of [-8, -4, 20]) {
      const damaged = Buffer.from(await compress(beginning, end));
      const at = place < 0 ? damaged.length + place : place;
      damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
      expect(() => gunzipSync(damaged)).toThrow(/incorrect (data|length) check/);
    }
  });
});

/** All of them must get the same text from the same bytes. */
describe("what compressed is, is read by", () => {
  let compressed: Uint8Array;
  const server = createServer((_request, response) => {
    response
      .writeHead(200, { "content-encoding": "gzip", "content-type": "application/json" })
      .end(compressed);
  });
  let url: string;

  beforeAll(async () => {
    compressed = await compress(beginning, end);
    await once(server.listen(0, "127.0.0.1"), "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => void server.close());

  it("the web's DecompressionStream", async () => {
    const headers = { "content-encoding": "gzip" };
    expect(await webhookText(headers, new Uint8Array(compressed))).toBe(text.toString());
  });

  it("fetch", async () => {
    expect(await (await fetch(url)).text()).toBe(text.toString());
  });

  it.each([
    ["gzip.decompress", "gzip.decompress(data)"],
    ["gzip's file", "gzip.GzipFile(fileobj=io.BytesIO(data)).read()"],
    ["zlib, which reads one member", "zlib.decompressobj(wbits=31).decompress(data)"],
  ])("Python: %s", (_name, expression) => {
    const script = `import gzip,io,sys,zlib; data=sys.stdin.buffer.read(); sys.stdout.buffer.write(${expression})`;
    expect(execFileSync("python3", ["-c", script], { input: compressed }).equals(text)).toBe(true);
  });

  it("gzip's own program", () => {
    expect(execFileSync("gzip", ["-dc"], { input: compressed }).equals(text)).toBe(true);
  });

  it("curl --compressed", async () => {
    // Not synchronous: the server runs in this process.
    const curl = spawn("curl", ["--silent", "--fail", "--compressed", url]);
    expect((await buffer(curl.stdout)).equals(text)).toBe(true);
  });
});
