import { describe, expect, it } from "vitest";
import { QUIET_MILLIS } from "../../../functions/sweep/keepLast.ts";
import {
  ARCHIVED_MILLIS,
  ARCHIVED_PER_KEY,
  dropped,
  merged,
  type ProducerArchive,
  remembered,
} from "../../../shared/queue/producerArchive.ts";
import type { ProducerTrail } from "../../../shared/queue/producers.ts";
import { readSettings } from "../../../shared/runtime/settings.ts";
import { NOW } from "./samples.ts";

function trail(id: string, facts: Partial<ProducerTrail> = {}): ProducerTrail {
  return { id, start: 1, next: 2, page: 1, lastSeenEpochMillis: NOW, key: "k", ...facts };
}

function archive(trails: readonly ProducerTrail[], facts: Partial<ProducerArchive> = {}): ProducerArchive {
  return { key: "k", trails, version: 1, ...facts };
}

describe("the trails that a page drops", () => {
  it("are those before it and not on it that have a key, by key", () => {
    const before = [
      trail("a"),
      trail("b", { key: "other" }),
      trail("c", { key: undefined }),
      trail("d"),
      trail("e"),
    ];
    const found = dropped(before, [trail("d", { next: 9 }), trail("new")]);
    expect([...found]).toEqual([
      ["k", [before[0], before[4]]],
      ["other", [before[1]]],
    ]);
  });

  it("are none when all stay", () => {
    expect([...dropped([trail("a")], [trail("a")])]).toEqual([]);
  });
});

describe("an archive with further trails", () => {
  it("has the newer one of two trails of a producer, whichever comes first", () => {
    const old = trail("a", { next: 5 });
    const newer = trail("a", { next: 9, gaps: [[6, 7]] });
    expect(merged(archive([old]), [newer], NOW)?.trails).toEqual([newer]);
    expect(merged(archive([newer]), [old], NOW)).toBeUndefined();
  });

  it("is not written again when it has the trails already", () => {
    expect(merged(archive([trail("a"), trail("b")]), [trail("b")], NOW)).toBeUndefined();
  });

  it("has a producer's last time, also when that brought no new event", () => {
    const later = trail("a", { lastSeenEpochMillis: NOW + 1000 });
    expect(merged(archive([trail("a")]), [later], NOW + 1000)?.trails).toEqual([later]);
  });

  it("has the next version", () => {
    expect(merged(archive([], { version: 0 }), [trail("a")], NOW)?.version).toBe(1);
    expect(merged(archive([], { version: 7 }), [trail("a")], NOW)?.version).toBe(8);
  });

  it("forgets producers that were not seen for 30 days, and begins anew with one that is back since", () => {
    const old = trail("a", { next: 500, lastSeenEpochMillis: NOW - ARCHIVED_MILLIS - 1 });
    const other = trail("b", { lastSeenEpochMillis: NOW - ARCHIVED_MILLIS });
    const again = trail("a", { next: 3 });
    expect(merged(archive([old, other]), [again], NOW)?.trails).toEqual([again, other]);
  });

  it("has the last 64 producers: what one key stores in a feed is bounded", () => {
    let held = archive([], { version: 0 });
    for (let n = 0; n < 500; n += 1)
      held = merged(held, [trail(`p${n}`, { lastSeenEpochMillis: NOW + n })], NOW + n) ?? held;
    expect(held.trails.map(({ id }) => id)).toEqual(
      Array.from({ length: ARCHIVED_PER_KEY }, (_, n) => `p${499 - n}`),
    );
  });
});

describe("what the archives remember", () => {
  it("is the newest trail of each producer under any key, no older than 30 days", () => {
    const found = remembered(
      [
        archive([trail("a", { next: 4 }), trail("old", { lastSeenEpochMillis: NOW - ARCHIVED_MILLIS - 1 })]),
        archive([trail("a", { next: 7, key: "k2" }), trail("b", { key: "k2" })], { key: "k2" }),
        archive([trail("a", { next: 5, key: "k3" })], { key: "k3" }),
      ],
      NOW,
    );
    expect([...found].map(([id, { next }]) => [id, next])).toEqual([
      ["a", 7],
      ["b", 2],
    ]);
  });

  it("is not kept for longer than a feed's last page, so that a producer of a quiet feed is remembered as long", () => {
    const shortest = readSettings({ RELAY_RETENTION_SECONDS: "0.1", RELAY_FREEING: "expire" });
    expect(shortest.lastPageTtlMillis).toBeGreaterThan(ARCHIVED_MILLIS);
    expect(shortest.pageTtlMillis).toBeGreaterThan(QUIET_MILLIS);
  });
});
