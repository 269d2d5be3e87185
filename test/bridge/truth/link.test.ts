import { describe, expect, it } from "vitest";
import type { PbxIdentity } from "../../../bridge/source.ts";
import {
  cameEarly,
  firstStart,
  heard,
  linkUp,
  lost,
  takenOver,
  UNKNOWN_LINK,
} from "../../../bridge/truth/link.ts";
import { CLOSED, NOW } from "./world.ts";

const BOOT = NOW - 3_600_000;
const pbx: PbxIdentity = {
  startedAtEpochMillis: BOOT,
  version: "23.5.0",
  systemName: undefined,
  entityId: undefined,
};
const connected = heard(linkUp(UNKNOWN_LINK, pbx, NOW, "first").memory, NOW + 1_000);

describe("a link that comes up", () => {
  it("for the first time has missed nothing", () => {
    expect(linkUp(UNKNOWN_LINK, pbx, NOW, "g")).toMatchObject({ gap: undefined, snapshotReason: "start" });
  });

  it("after a first start that was killed reports a gap since that start", () => {
    const { gap, snapshotReason } = linkUp(firstStart(NOW), pbx, NOW + 5_000, "g");
    expect(gap).toMatchObject({
      reason: "link",
      fromEpochMillis: NOW,
      toEpochMillis: NOW + 5_000,
      epochBeforeEpochMillis: undefined,
      epochAfterEpochMillis: BOOT,
      facts: { code: "bridge-down" },
    });
    expect(snapshotReason).toBe("link");
  });

  it("after a loss reports a gap that begins with the last thing that was heard", () => {
    const { gap, memory, snapshotReason } = linkUp(
      lost(connected, CLOSED, NOW + 30_000),
      pbx,
      NOW + 31_000,
      "g",
    );
    expect(gap).toEqual({
      id: "g",
      reason: "link",
      fromEpochMillis: NOW + 1_000,
      toEpochMillis: NOW + 31_000,
      epochBeforeEpochMillis: BOOT,
      epochAfterEpochMillis: BOOT,
      facts: { code: "closed" },
    });
    expect(memory.open).toBeUndefined();
    expect(snapshotReason).toBe("link");
  });

  it("again after several failures still reports one gap, from the first loss", () => {
    const twice = lost(lost(connected, CLOSED, NOW + 2_000), { code: "reader-too-slow" }, NOW + 3_000);
    expect(linkUp(twice, pbx, NOW + 4_000, "g").gap).toMatchObject({
      reason: "link",
      fromEpochMillis: NOW + 1_000,
    });
  });

  it("after the bridge was killed reports a gap, although nobody saw the loss", () => {
    expect(linkUp(connected, pbx, NOW + 60_000, "g").gap).toMatchObject({
      reason: "link",
      fromEpochMillis: NOW + 1_000,
      facts: { code: "bridge-down" },
    });
  });

  it("with another start time says that Asterisk restarted, whatever else happened", () => {
    const restarted = { ...pbx, startedAtEpochMillis: NOW + 5_000 };
    for (const before of [
      connected,
      lost(connected, { code: "reader-too-slow" }, NOW),
      takenOver(connected, NOW),
    ])
      expect(linkUp(before, restarted, NOW + 6_000, "g").gap).toMatchObject({
        reason: "restart",
        epochBeforeEpochMillis: BOOT,
        epochAfterEpochMillis: NOW + 5_000,
      });
  });

  it.each([
    ["reader-too-slow", lost(connected, { code: "reader-too-slow" }, NOW)],
    ["takeover", takenOver(connected, NOW)],
  ])("after %s gives that as the reason", (reason, before) => {
    expect(linkUp(before, pbx, NOW + 6_000, "g").gap?.reason).toBe(reason);
  });

  it("after the clock was set back reports a gap that holds what both clocks said", () => {
    expect(linkUp(lost(connected, CLOSED, NOW), pbx, NOW - 86_400_000, "g").gap).toMatchObject({
      fromEpochMillis: NOW - 86_400_000,
      toEpochMillis: NOW + 1_000,
    });
  });

  it("forgets a clock that was ahead, once something is heard at the right time", () => {
    const ahead = heard(connected, NOW + 86_400_000);
    expect(
      linkUp(lost(heard(ahead, NOW + 2_000), CLOSED, NOW + 9_000), pbx, NOW + 10_000, "g").gap,
    ).toMatchObject({
      fromEpochMillis: NOW + 2_000,
      toEpochMillis: NOW + 10_000,
    });
  });
});

describe("an event before the link is up", () => {
  it("has the gap before it, and another one follows it", () => {
    const early = cameEarly(lost(connected, CLOSED, NOW + 2_000), NOW + 3_000, "early");
    expect(early?.gap).toEqual({
      id: "early",
      reason: "link",
      fromEpochMillis: NOW + 1_000,
      toEpochMillis: NOW + 3_000,
      epochBeforeEpochMillis: BOOT,
      epochAfterEpochMillis: undefined,
      facts: { code: "closed" },
    });
    expect(linkUp(early?.memory ?? connected, pbx, NOW + 5_000, "g").gap).toMatchObject({
      reason: "link",
      fromEpochMillis: NOW + 3_000,
      toEpochMillis: NOW + 5_000,
      epochAfterEpochMillis: BOOT,
    });
  });

  it("after a kill of the bridge has one too, and none when the PBX was never connected", () => {
    expect(cameEarly(connected, NOW + 3_000, "early")?.gap.facts).toEqual({ code: "bridge-down" });
    expect(cameEarly(UNKNOWN_LINK, NOW, "early")).toBeUndefined();
  });
});
