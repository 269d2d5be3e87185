import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { isTextOf, keyIdIn, newKeyText } from "../../../shared/access/keyText.ts";

describe("the text of a key", () => {
  it("has a prefix, the key's id and 256 random bits", () => {
    const sizes: number[] = [];
    const { id, text } = newKeyText((size) => {
      sizes.push(size);
      return randomBytes(size);
    });
    expect(text).toMatch(/^srk_[0-9a-f]{24}_[A-Za-z0-9_-]{43}$/);
    expect(sizes).toEqual([12, 32]);
    expect(keyIdIn(text)).toBe(id);
    expect(id).toMatch(/^key_[0-9a-f]{24}$/);
  });

  it("is another one each time", () => {
    const texts = Array.from({ length: 100 }, () => newKeyText(randomBytes).text);
    expect(new Set(texts).size).toBe(100);
  });

  it("is recognised by SHA-256 of the whole text, and no other text is", () => {
    const { text, hash } = newKeyText(randomBytes);
    expect(hash).toBe(createHash("sha256").update(text).digest("hex"));
    expect(isTextOf(hash, text)).toBe(true);
    expect(isTextOf(hash, `${text.slice(0, -1)}${text.endsWith("A") ? "B" : "A"}`)).toBe(false);
    expect(isTextOf(hash, "")).toBe(false);
    expect(isTextOf("", text)).toBe(false);
    expect(isTextOf("not hexadecimal", text)).toBe(false);
  });

  it.each([
    "",
    "local",
    "srk_",
    "srk_0_x",
    `srk_${"0".repeat(24)}_${"x".repeat(42)}`,
    `SRK_${"0".repeat(24)}_`,
  ])("is not %j", (text) => {
    expect(keyIdIn(text)).toBeUndefined();
  });
});
