import { randomUUID } from "node:crypto";
import { marshall } from "@aws-sdk/util-dynamodb";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { groupPut } from "../../../shared/aws/groupItems.ts";
import { GroupUnreadableError } from "../../../shared/errors.ts";
import { GROUP_SESSIONS } from "../../../shared/groups/group.ts";
import { begin, type GroupCursor, newGroupCursor } from "../../../shared/groups/groupCursor.ts";
import { packCursors, unpackCursors } from "../../../shared/groups/packedCursors.ts";
import { groupOf, NOW } from "./samples.ts";

const SECONDS = NOW / 1000;

const sequences = fc.integer({ min: 1, max: 2 ** 40 });
const counts = fc.nat({ max: 2 ** 31 });
const times = fc.integer({ min: 0, max: 2 * NOW });
const absentOr = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });

const cursors: fc.Arbitrary<GroupCursor> = fc.record({
  next: sequences,
  previous: fc.oneof(fc.nat({ max: 2 ** 40 })),
  batchLast: absentOr(sequences),
  limit: absentOr(sequences),
  generation: counts,
  revision: counts,
  gap: absentOr(
    fc.record({
      first: sequences,
      last: sequences,
      reason: fc.constantFrom("retention" as const, "expired" as const, "lost-before-ingest" as const),
    }),
  ),
  stopped: absentOr(fc.constantFrom("paused" as const, "suspended" as const)),
  attempts: counts,
  dueAtEpochMillis: absentOr(times),
  failingSinceEpochSeconds: absentOr(fc.nat({ max: 2 * SECONDS })),
  requests: counts,
  requestUntilEpochMillis: absentOr(times),
  lastDeliveryEpochSeconds: absentOr(fc.nat({ max: 2 * SECONDS })),
});
const ids = fc.oneof(
  fc.uuid().map((id) => `ses_${id.replaceAll("-", "")}`),
  fc.string({ minLength: 1, maxLength: 16, unit: "grapheme-ascii" }),
);

describe("packed cursors", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(ids, cursors), {
          selector: ([id]) => id,
          minLength: 1,
          maxLength: GROUP_SESSIONS,
        }),
        (all) => {
          const given = Object.fromEntries(all);
          expect(unpackCursors(packCursors(given))).toEqual(given);
        },
      ),
    );
  });

  it("have whole milliseconds: a due time with jitter is a fraction late, also at the time from which others count", () => {
    const lastDeliveryEpochSeconds = SECONDS;
    for (const [given, packed] of [
      [NOW + 0.2, NOW + 1],
      [NOW - 0.5, NOW],
      [NOW - 7.5, NOW - 7],
    ] as const) {
      const cursor = { ...newGroupCursor(25), dueAtEpochMillis: given, lastDeliveryEpochSeconds };
      expect(unpackCursors(packCursors({ a: cursor })).a).toMatchObject({ dueAtEpochMillis: packed });
    }
  });

  it("are read from any bytes or refused with a typed error, never with another one", () => {
    const packed = packCursors({ "a session": newGroupCursor(25), b: begin(newGroupCursor(7), { last: 9 }) });
    const refused = { unreadable: 0 };
    const read = (bytes: Uint8Array) => {
      try {
        expect(Object.keys(unpackCursors(bytes)).length).toBeLessThanOrEqual(GROUP_SESSIONS);
      } catch (error) {
        if (!(error instanceof GroupUnreadableError)) throw error;
        refused.unreadable += 1;
      }
    };
    for (let length = 0; length < packed.length; length += 1)
      expect(() => unpackCursors(packed.subarray(0, length))).toThrow(GroupUnreadableError);
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.nat(255), (at, byte) =>
        read(packed.map((each, index) => (index === at ? byte : each))),
      ),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), read));
    expect(refused.unreadable).toBeGreaterThan(50);
  });

  const A = [1, 1, 97, 0, 1, 1, 0];

  it.each<[string, number[], string]>([
    ["of a version that this release does not know", [2, 0, 0, 0], "its version is 2"],
    ["of nobody", [1, 0, 0, 0], "it holds no sessions"],
    ["of more sessions than a group has", [1, 33, 0, 0], "it holds 33 sessions"],
    ["that go on after the last cursor", [1, 1, 5, 0, ...A, 0], "it goes on after the last cursor"],
    ["with an endless number", [1, 1, ...Array(40).fill(0x80), 0, 0], "a number is too long"],
    ["with a number beyond the safe ones", [1, 1, ...Array(7).fill(0xff), 0x7f, 0], "a number is too large"],
    ["with a session twice", [1, 2, 5, 0, ...A, ...A], "a session is in it twice"],
    [
      "that stand before the first message",
      [1, 1, 5, 0, 1, 1, 97, 6, 1, 1, 0],
      "a cursor stands before the first message",
    ],
  ])("%s are refused", (_what, bytes, reason) => {
    expect(() => unpackCursors(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: "group.unreadable", facts: { reason } }),
    );
  });

  it("that are too many, or too long for any group, are refused", () => {
    const many = Object.fromEntries(
      Array.from({ length: GROUP_SESSIONS + 1 }, (_, n) => [`s${n}`, newGroupCursor(1)]),
    );
    expect(() => packCursors(many)).toThrow(RangeError);
    expect(() => unpackCursors(new Uint8Array(20_000).fill(1))).toThrow(GroupUnreadableError);
  });
});

/** DynamoDB's rules for the size of an item: names and values; a number has about a byte for two digits, and one more. */
function itemBytes(item: Record<string, unknown>): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + name.length + valueBytes(value), 0);
}

function valueBytes(value: unknown): number {
  const [[type, content] = []] = Object.entries(value ?? {});
  if (content instanceof Uint8Array) return content.length;
  const { length } = String(content);
  return type === "N" ? Math.ceil(length / 2) + 1 : length;
}

describe("the row of a full group, held by a turn, on a feed with millions of messages", () => {
  const next = 123_456_789;
  const row = (feed: string, cursorOf: (index: number) => Partial<GroupCursor>) => {
    const all = Array.from({ length: GROUP_SESSIONS }, (_, index) => [
      `ses_${randomUUID().replaceAll("-", "")}`,
      {
        ...newGroupCursor(next),
        revision: 9,
        generation: 4,
        lastDeliveryEpochSeconds: SECONDS - (index % 10),
        ...cursorOf(index),
      },
    ]);
    const group = groupOf(
      {},
      {
        feed,
        group: "AbCdEfGhIjKl",
        state: "active",
        version: 1_234_567,
        fence: 123_456,
        holder: "0123456789a",
        leaseUntilEpochMillis: NOW + 20_500,
        planned: next - 1,
        segment: 24_691,
        segmentSize: 5000,
        changedAtEpochMillis: NOW,
        cursors: Object.fromEntries(all),
      },
    );
    return itemBytes(marshall(groupPut("table", group).Item, { removeUndefinedValues: true }));
  };
  const failing = (seconds: number) => ({
    batchLast: next + 49,
    attempts: 5,
    dueAtEpochMillis: NOW + 60_250,
    failingSinceEpochSeconds: SECONDS - seconds,
  });

  it.each([
    ["twelve letters", "a".repeat(12), { atTail: 876, inFlight: 908, some: 956, worst: 1194 }],
    ["64 letters", "a".repeat(64), { atTail: 928, inFlight: 960, some: 1008, worst: 1246 }],
  ])("has the bytes of docs/decisions/0017 with a feed's name of %s", (_what, feed, most) => {
    const sizes = {
      atTail: row(feed, () => ({})),
      inFlight: row(feed, () => ({ batchLast: next + 49 })),
      some: row(feed, (index) => (index < 8 ? failing(300) : { batchLast: next + 49 })),
      worst: row(feed, (index) => {
        const behind = index === 0 ? 0 : 2_000_000;
        return {
          ...failing(30_000),
          next: next - behind,
          batchLast: next - behind + 49,
          previous: next - behind - 1,
        };
      }),
    };
    expect(sizes).toEqual(most);
  });
});
