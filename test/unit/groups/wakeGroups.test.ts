import { describe, expect, it } from "vitest";
import { FenceLostError } from "../../../shared/errors.ts";
import type { CursorGroup, GroupChange } from "../../../shared/groups/group.ts";
import { isGroupToBeWoken, wakeGroups, wakeGroupsAgain } from "../../../shared/groups/wakeGroups.ts";
import { groupOf, NOW } from "./samples.ts";

const tail = { next: 28, segmentSize: 10 };
const DIALS = new Set(["Dial"]);

describe("a group that notify sees", () => {
  const isWoken = (group: CursorGroup, interest?: readonly string[], names = DIALS) =>
    isGroupToBeWoken({ group, interest }, tail, names, NOW);

  it("is woken when it is parked and one of its sessions has something to send", () => {
    expect(isWoken(groupOf({ a: { next: 28 }, b: { next: 27 } }))).toBe(true);
    expect(isWoken(groupOf({ a: { next: 28 }, b: { next: 28 } }))).toBe(false);
    expect(isWoken(groupOf({ a: { stopped: "paused" }, b: { dueAtEpochMillis: NOW + 9_000 } }))).toBe(false);
    expect(isWoken(groupOf({ a: {} }, { state: "signalled" }))).toBe(false);
    expect(isWoken(groupOf({ a: {} }, { state: "active" }))).toBe(false);
  });

  it("is not woken for names that none of its sessions wants, unless they would pin a segment", () => {
    expect(isWoken(groupOf({ a: {} }), ["Dial"])).toBe(true);
    expect(isWoken(groupOf({ a: {} }), ["Hangup"])).toBe(false);
    expect(isWoken(groupOf({ a: {}, b: { next: 19 } }), ["Hangup"])).toBe(true);
    expect(isWoken(groupOf({ a: {}, b: { next: 19, stopped: "paused" } }), ["Hangup"])).toBe(false);
    expect(isGroupToBeWoken({ group: groupOf(), interest: ["Hangup"] }, tail, undefined, NOW)).toBe(true);
  });
});

describe("waking groups", () => {
  const groups = ["one", "two"].map((group) => groupOf({}, { group }));

  function recorded(
    takes: (group: CursorGroup) => boolean,
    onWrite: (group: CursorGroup) => void = () => {},
  ) {
    const happened: string[] = [];
    const parts = {
      clock: { nowEpochMillis: () => NOW, sleep: async () => {} },
      wakes: {
        sendWakes: async (all: readonly CursorGroup[]) => {
          const sent = all.filter(takes);
          happened.push(...sent.map(({ group }) => `wake ${group}`));
          return sent;
        },
      },
      groups: {
        write: async (read: CursorGroup, change: GroupChange) => {
          happened.push(`mark ${read.group} ${change.state ?? change.wakesRepeated}`);
          onWrite(read);
        },
      },
    };
    return { happened, parts };
  }

  it("sends the wakes before it marks the rows", async () => {
    const { happened, parts } = recorded(() => true);
    await wakeGroups(parts, groups);
    expect(happened).toEqual(["wake one", "wake two", "mark one signalled", "mark two signalled"]);
  });

  it("does not mark a row whose wake SQS refused, and says that it is to be retried", async () => {
    const { happened, parts } = recorded(({ group }) => group === "two");
    await expect(wakeGroups(parts, groups)).rejects.toMatchObject({ code: "wake.not-sent", retryable: true });
    expect(happened).toEqual(["wake two", "mark two signalled"]);
  });

  it("counts wakes that are sent again, and leaves rows that have changed since", async () => {
    const { happened, parts } = recorded(
      () => true,
      ({ feed, group, fence }) => {
        throw new FenceLostError({ feed, session: group, fence });
      },
    );
    await wakeGroupsAgain(parts, groups);
    expect(happened).toEqual(["wake one", "wake two", "mark one 1", "mark two 1"]);
  });
});
