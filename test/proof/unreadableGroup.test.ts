import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GroupUnreadableError } from "../../shared/errors.ts";
import type { CursorGroup } from "../../shared/groups/group.ts";
import { DAMAGES, damageGroup, repairGroup, storedGroup } from "../support/damagedGroup.ts";
import { Engine } from "./engine.ts";
import { Stage } from "./stage.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** A feed with pages of four messages and a group of two sessions at its head. */
function onStage<T>(pages: number, act: (stage: Stage, group: CursorGroup) => Promise<T>): Promise<T> {
  return Stage.run(
    engine,
    async (stage) => {
      for (let count = 0; count < 2; count += 1) await stage.person.createSession("head");
      for (let page = 0; page < pages; page += 1) await stage.append(4 * page + 1, 4);
      return act(stage, await onlyGroup(stage));
    },
    { RELAY_CURSOR_GROUPS: "1" },
  );
}

/** The only group that can be read. */
async function onlyGroup(stage: Stage): Promise<CursorGroup> {
  const [group, ...others] = await stage.groups();
  if (group === undefined || others.length > 0) throw new Error("there is not one group");
  return group;
}

const damage = (group: CursorGroup, how: Parameters<typeof damageGroup>[3]) =>
  damageGroup(engine.clients.documents, engine.tableNames.cursors, group, how);
const stored = (group: CursorGroup) =>
  storedGroup(engine.clients.documents, engine.tableNames.cursors, group);

/** Turns until everybody has everything. The stage's clock runs fast, so that a turn may end early. */
async function serve(stage: Stage, group: CursorGroup): Promise<void> {
  const { pages } = await stage.rows();
  const next = pages.reduce((sum, { events }) => sum + events.length, 1);
  for (let turns = 0; turns < 10; turns += 1) {
    expect(await stage.deliverGroup(group.group)).toBe(true);
    const row = await stage.stores.groups.readGroup(stage.feed, group.group);
    if (Object.values(row?.cursors ?? {}).every((cursor) => cursor.next === next)) return;
  }
  throw new Error("the group does not come to the end");
}

describe.each(Object.entries(DAMAGES))("a group %s", (_what, how) => {
  it("is named apart from those that can be read, and is no group of its own", () =>
    onStage(1, async (stage, group) => {
      await damage(group, how);
      const { groups } = stage.stores;
      await expect(groups.readGroup(stage.feed, group.group)).rejects.toThrow(GroupUnreadableError);
      const unreadable = [
        {
          feed: stage.feed,
          group: group.group,
          reason: expect.any(String),
          reference: { segment: 0, segmentSize: 4 },
        },
      ];
      expect(await groups.listGroups(stage.feed)).toEqual({ groups: [], unreadable });
      expect(await groups.readGroups([group])).toEqual({ groups: [], unreadable });
    }));

  it("stops neither notify nor the sweep for the others of its feed, and no session joins it", () =>
    onStage(1, async (stage, group) => {
      await damage(group, how);
      const before = await stored(group);
      await stage.person.createSession("head");
      const other = await onlyGroup(stage);
      expect(Object.keys(other.cursors)).toEqual(["s2"]);

      await stage.notify();
      expect(await onlyGroup(stage)).toMatchObject({ state: "signalled" });
      await serve(stage, other);
      // A lost notify: the sweep repairs it.
      await stage.append(5, 4);
      stage.nowEpochMillis += stage.settings.hintGraceMillis;
      expect(await stage.sweep()).toMatchObject([{ woken: 1, repaired: 1, countDifferences: 0 }]);
      await serve(stage, other);
      expect(stage.posts.map(({ delivery }) => delivery.session)).toEqual(["s2", "s2"]);

      expect(await stored(group)).toEqual(before);
      expect(stage.logged).toEqual([
        {
          level: "error",
          message: "a group cannot be read; its sessions get nothing until it is repaired",
          facts: expect.objectContaining({ feed: stage.feed, group: group.group }),
        },
      ]);
    }));
});

describe("a group that cannot be read", () => {
  it("drops its wakes and reports them: SQS does not bring them again", () =>
    onStage(1, async (stage, group) => {
      await damage(group, "SET cursors = :damaged");
      expect(await stage.deliverGroup(group.group)).toBe(true);
      expect(stage.posts).toEqual([]);
      expect(stage.logged).toMatchObject([
        { level: "error", message: "a group cannot be read; its wake is dropped" },
      ]);
    }));

  it("keeps what it may need from being freed, and nothing before it", () =>
    onStage(2, async (stage, group) => {
      await serve(stage, group);
      expect(await stored(group)).toMatchObject({ segment: 2 });
      await damage(group, "SET cursors = :damaged");
      for (const first of [9, 13, 17]) await stage.append(first, 4);
      await stage.person.createSession("tail");
      stage.nowEpochMillis += 2 * stage.settings.freeGraceMillis;
      expect(await stage.sweep()).toMatchObject([{ freedSegments: 2, countDifferences: 0 }]);
      expect((await stage.rows()).head).toMatchObject({ headSegment: 2 });
    }));

  it("and does not say where it is counted stops the freeing of its feed, and the audit reports its count", () =>
    onStage(2, async (stage, group) => {
      await serve(stage, group);
      await stage.append(9, 4);
      await damage(group, "REMOVE cursors, #segment");
      stage.nowEpochMillis += 2 * stage.settings.freeGraceMillis;
      expect(await stage.sweep()).toMatchObject([{ freedSegments: 0, countDifferences: 1 }]);
      expect((await stage.rows()).head).toMatchObject({ headSegment: 0 });
      expect(stage.logged).toContainEqual({
        level: "error",
        message: "reference counts do not match the cursors",
        facts: { feed: stage.feed, differences: [{ segment: 2, counted: 1, cursors: 0 }] },
      });
    }));

  it("goes on where it was once it can be read", () =>
    onStage(2, async (stage, group) => {
      const cursors = await damage(group, "SET cursors = :later");
      stage.nowEpochMillis += stage.settings.hintGraceMillis;
      expect(await stage.sweep()).toMatchObject([{ woken: 0 }]);
      await repairGroup(engine.clients.documents, engine.tableNames.cursors, group, cursors);
      expect(await stage.sweep()).toMatchObject([{ woken: 1, countDifferences: 0 }]);
      await serve(stage, group);
      await stage.expectInvariants(["s0", "s1"]);
    }));
});
