import { describe, expect, it } from "vitest";
import { createAddressGuard } from "../../../shared/webhook/addressGuard.ts";
import { checkWebhookUrl } from "../../../shared/webhook/webhookUrl.ts";

const check = (
  text: string,
  { ranges = [], allowHttp = false }: { ranges?: string[]; allowHttp?: boolean } = {},
) => checkWebhookUrl(text, { guard: createAddressGuard(ranges), allowHttp });

describe("checkWebhookUrl", () => {
  it("accepts an https URL and normalises it", () => {
    expect(check(" HTTPS://Hooks.Example.com:443/a/../b?c=d ")).toEqual({
      ok: true,
      url: "https://hooks.example.com/b?c=d",
    });
  });

  it("accepts http only when the operator allows it", () => {
    expect(check("http://hooks.example.com/")).toEqual({
      ok: false,
      error: "the URL must begin with https:",
    });
    expect(check("http://hooks.example.com/", { allowHttp: true })).toMatchObject({ ok: true });
  });

  it.each([
    ["nothing", "", /not an absolute URL/],
    ["a relative URL", "/hook", /not an absolute URL/],
    ["another scheme", "ftp://example.com/", /must begin with https:/],
    ["a file", "file:///etc/passwd", /must begin with https:/],
    ["a user name", "https://me@example.com/", /user name or password/],
    ["a password", "https://:secret@example.com/", /user name or password/],
    ["a fragment", "https://example.com/#part", /fragment/],
    ["an empty fragment", "https://example.com/#", /fragment/],
  ])("refuses %s", (_name, text, error) => {
    const verdict = check(text, { allowHttp: true });
    expect(verdict).toEqual({ ok: false, error: expect.stringMatching(error) });
  });

  it("limits the length of the input and of its normalised form", () => {
    const prefix = "https://example.com/";
    expect(check(prefix + "a".repeat(2048 - prefix.length))).toMatchObject({ ok: true });
    expect(check(prefix + "a".repeat(2049 - prefix.length))).toMatchObject({ ok: false });
    expect(check(prefix + "é".repeat(1000))).toMatchObject({ ok: false });
  });

  it.each([
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://１２７.0.0.1/",
    "https://0/",
    "https://10.0.0.1:8443/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[fd00:ec2::254]/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://hooks.localhost/",
  ])("refuses %s", (text) => {
    expect(check(text)).toEqual({ ok: false, error: expect.stringContaining("address that is not allowed") });
  });

  it("accepts public literals, and names, which are checked when they are resolved", () => {
    expect(check("https://8.8.8.8/")).toMatchObject({ ok: true });
    expect(check("https://[2606:4700:4700::1111]/")).toMatchObject({ ok: true });
    expect(check("https://internal.example.com/")).toMatchObject({ ok: true });
    expect(check("https://notlocalhost/")).toMatchObject({ ok: true });
  });

  it("follows the allowed ranges, which may allow localhost by either of its addresses", () => {
    expect(check("https://10.0.0.1/", { ranges: ["10.0.0.0/8"] })).toMatchObject({ ok: true });
    expect(check("https://localhost/", { ranges: ["127.0.0.0/8"] })).toMatchObject({ ok: true });
    expect(check("https://localhost/", { ranges: ["::1/128"] })).toMatchObject({ ok: true });
    expect(check("https://localhost/", { ranges: ["10.0.0.0/8"] })).toMatchObject({ ok: false });
  });
});
