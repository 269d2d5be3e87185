import { generate } from "selfsigned";
import { expect, it } from "vitest";
import { readCertificate } from "../../gateway/certificate.ts";

const first = await generate([{ name: "commonName", value: "ami.test" }]);
const second = await generate([{ name: "commonName", value: "ami.test" }]);

it("a certificate and its key are read, with the time at which it expires", () => {
  const chain = `${first.cert}\n${second.cert}`;
  const read = readCertificate(JSON.stringify({ certificate: chain, key: first.private, more: 1 }));
  expect(read.certificate).toEqual({ cert: chain, key: first.private });
  expect(read.expiresAtEpochMillis).toBeGreaterThan(Date.now());
});

it.each([
  ["no JSON", "-----BEGIN", /not JSON/],
  ["another shape", JSON.stringify({ certificate: first.cert }), /texts "certificate" and "key"/],
  ["no certificate", JSON.stringify({ certificate: "x", key: first.private }), /no certificate in PEM/],
  ["no key", JSON.stringify({ certificate: first.cert, key: "x" }), /no private key in PEM/],
  [
    "another's key",
    JSON.stringify({ certificate: first.cert, key: second.private }),
    /not the key of the first/,
  ],
])(
  "a secret with %s is refused, and the error says what is wrong and nothing of the key",
  (_, secret, message) => {
    let error: unknown;
    try {
      readCertificate(secret);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code: "certificate.invalid", message: expect.stringMatching(message) });
    expect(String(error)).not.toContain(first.private.slice(40, 80));
  },
);
