import { describe, expect, it } from "vitest";
import { bytesOf, charsetOf, readAmiText } from "../../../shared/ami/amiText.ts";

/** One character for each byte, as the parser has them. */
const asLatin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

describe("the text of AMI bytes", () => {
  const utf8 = Buffer.from("Müller €");
  const latin1 = Buffer.from("Müller", "latin1");
  const cut = utf8.subarray(0, -1);

  it.each([
    ["ASCII", Buffer.from("abc"), undefined, "abc", undefined],
    ["ASCII, declared", Buffer.from("abc"), "windows-1251", "abc", undefined],
    ["UTF-8", utf8, undefined, "Müller €", undefined],
    ["UTF-8, declared", utf8, "utf-8", "Müller €", undefined],
    ["Latin-1", latin1, undefined, "Müller", "iso-8859-1"],
    ["Latin-1, declared", latin1, "iso-8859-1", "Müller", "iso-8859-1"],
    ["Latin-1, declared as UTF-8", latin1, "utf-8", "Müller", "iso-8859-1"],
    ["Cyrillic, declared", Buffer.from([0xc8, 0xe2]), "windows-1251", "Ив", "windows-1251"],
    ["UTF-8 cut within a character", cut, undefined, asLatin1(cut), "iso-8859-1"],
    ["what is not of its declared charset", Buffer.from([0xff, 0xff]), "gbk", "ÿÿ", "iso-8859-1"],
  ])("of %s is read, and its bytes survive", (_what, bytes, declared, text, charset) => {
    const read = readAmiText(asLatin1(bytes), declared);
    expect([read.text, read.raw?.charset]).toEqual([text, charset]);
    expect(bytesOf(read)).toEqual(bytes);
  });

  it("has every byte, in each charset", () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    for (const charset of [
      undefined,
      "utf-8",
      "iso-8859-1",
      "windows-1252",
      "shift_jis",
      "gb18030",
      "koi8-r",
    ])
      expect(bytesOf(readAmiText(asLatin1(all), charset))).toEqual(Buffer.from(all));
  });
});

it.each([
  ["UTF-8", "utf-8"],
  ["utf8", "utf-8"],
  ["ISO-8859-1", "iso-8859-1"],
  ["latin1", "iso-8859-1"],
  ["cp1252", "windows-1252"],
  ["iso-8859-15", "iso-8859-15"],
  ["utf-16", undefined],
  ["nonsense", undefined],
  ["", undefined],
])("the charset of %j is %s", (label, charset) => {
  expect(charsetOf(label)).toBe(charset);
});
