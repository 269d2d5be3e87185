import { describe, expect, it } from "vitest";
import { rotateSecret, type SessionSecret, validSecrets } from "../../../shared/sessions/session.ts";
import { NOW } from "./samples.ts";

const OVERLAP = 1000;

describe("rotateSecret", () => {
  it("puts the new secret first and lets the old one sign during the overlap", () => {
    const rotated = rotateSecret([{ secret: "old" }], "new", OVERLAP, NOW);
    expect(rotated).toEqual([{ secret: "new" }, { secret: "old", expiresAtEpochMillis: NOW + OVERLAP }]);
    expect(validSecrets(rotated, NOW + OVERLAP - 1)).toEqual(["new", "old"]);
    expect(validSecrets(rotated, NOW + OVERLAP)).toEqual(["new"]);
  });

  it("does not extend the time of a secret that already expires", () => {
    const once = rotateSecret([{ secret: "a" }], "b", OVERLAP, NOW);
    const twice = rotateSecret(once, "c", OVERLAP, NOW + 400);
    expect(twice).toEqual([
      { secret: "c" },
      { secret: "b", expiresAtEpochMillis: NOW + 400 + OVERLAP },
      { secret: "a", expiresAtEpochMillis: NOW + OVERLAP },
    ]);
  });

  it("drops expired secrets", () => {
    const once = rotateSecret([{ secret: "a" }], "b", OVERLAP, NOW);
    expect(rotateSecret(once, "c", OVERLAP, NOW + OVERLAP).map(({ secret }) => secret)).toEqual(["c", "b"]);
  });

  it("ends the old secret at once when there is no overlap", () => {
    expect(validSecrets(rotateSecret([{ secret: "old" }], "new", 0, NOW), NOW)).toEqual(["new"]);
  });

  it("without an overlap ends all others, also those that were rotated away before", () => {
    const once = rotateSecret([{ secret: "a" }], "b", OVERLAP, NOW);
    expect(rotateSecret(once, "c", 0, NOW + 1)).toEqual([{ secret: "c" }]);
  });

  it("keeps only the newest secrets, so that the row stays small however often they are rotated", () => {
    let secrets: SessionSecret[] = [{ secret: "0" }];
    for (let n = 1; n <= 20; n += 1) secrets = rotateSecret(secrets, String(n), OVERLAP, NOW);
    expect(validSecrets(secrets, NOW)).toEqual(["20", "19", "18", "17", "16"]);
  });
});
