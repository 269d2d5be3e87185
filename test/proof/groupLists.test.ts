import { BatchWriteCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { groupPut } from "../../shared/aws/groupItems.ts";
import { keys } from "../../shared/aws/keys.ts";
import { GROUP_SESSIONS } from "../../shared/groups/group.ts";
import type { ListedGroup } from "../../shared/groups/membership.ts";
import type { AwsCall } from "../support/awsCalls.ts";
import type { Fault } from "../support/hostileAws.ts";
import { groupOf } from "../unit/groups/samples.ts";
import { Engine } from "./engine.ts";
import { Stage } from "./stage.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

const GROUPS = 130;
const idOf = (index: number) => `grp_${String(index).padStart(4, "0")}`;

/** A feed with 130 groups, of which some have interests and all but some are full. */
function onStage<T>(
  { filtered, withRoom }: { filtered: (index: number) => boolean; withRoom: readonly number[] },
  act: (stage: Stage) => Promise<T>,
): Promise<T> {
  return Stage.run(
    engine,
    async (stage) => {
      await stage.append(1, 1);
      const items = Array.from({ length: GROUPS }, (_, index) => {
        const size = withRoom.includes(index) ? 3 : GROUP_SESSIONS;
        const cursors = Object.fromEntries(
          Array.from({ length: size }, (_, n) => [`${index}-${n}`, { next: 1 }]),
        );
        const facts = { feed: stage.feed, group: idOf(index), segment: 0, segmentSize: 4 };
        const group = groupOf(cursors, facts);
        const interest = { ...keys.groupInterest(stage.feed, group.group), names: [`Only${index}`] };
        return [groupPut("", group).Item, ...(filtered(index) ? [interest] : [])];
      }).flat();
      for (let from = 0; from < items.length; from += 25)
        await engine.clients.documents.send(
          new BatchWriteCommand({
            RequestItems: {
              [engine.tableNames.cursors]: items
                .slice(from, from + 25)
                .map((Item) => ({ PutRequest: { Item } })),
            },
          }),
        );
      return act(stage);
    },
    { RELAY_CURSOR_GROUPS: "1" },
  );
}

const ids = (groups: readonly ListedGroup[]) => groups.map(({ group }) => group.group);
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => idOf(from + index));

describe("some groups of a feed", () => {
  it("are a hundred from an id on, and go on with the first ones after the last", () =>
    onStage({ filtered: () => false, withRoom: [] }, async ({ feed, stores: { groups } }) => {
      expect(ids((await groups.listSomeGroups(feed, "")).groups)).toEqual(range(0, 98));
      expect(ids((await groups.listSomeGroups(feed, idOf(20))).groups)).toEqual(range(20, 118));
      expect(ids((await groups.listSomeGroups(feed, idOf(30))).groups)).toEqual(range(30, 128));
      expect(ids((await groups.listSomeGroups(feed, idOf(100))).groups)).toEqual([
        ...range(100, 129),
        ...range(0, 68),
      ]);
      expect(ids((await groups.listSomeGroups(feed, "h")).groups)).toEqual(range(0, 98));
    }));

  it("come with their interests: a group whose interest is cut off is left out", () =>
    onStage({ filtered: (index) => index !== 7, withRoom: [] }, async ({ feed, stores: { groups } }) => {
      // 49 groups with interests and one without make 99 items.
      const cut = (await groups.listSomeGroups(feed, "")).groups;
      expect(ids(cut)).toEqual(range(0, 49));
      for (const { group, interest } of cut) {
        const index = Number(group.group.slice(4));
        expect(interest).toEqual(index === 7 ? undefined : [`Only${index}`]);
      }
      const around = (await groups.listSomeGroups(feed, idOf(100))).groups;
      expect(ids(around)).toEqual([...range(100, 129), ...range(0, 19)]);
      expect(around.every(({ interest }) => interest?.length === 1 || interest === undefined)).toBe(true);
    }));
});

it("five processes that create sessions at once leave few groups that are not full, and each session is in one", () =>
  Stage.run(
    engine,
    async (stage) => {
      await stage.append(1, 1);
      const people = ["a", "b", "c", "d", "e"].map((prefix) => stage.anotherPerson(prefix));
      await Promise.all(
        people.map(async (person) => {
          for (let count = 0; count < 20; count += 1) await person.createSession("head");
        }),
      );
      const groups = await stage.groups();
      const sessions = groups.flatMap(({ cursors }) => Object.keys(cursors));
      expect(sessions).toHaveLength(100);
      expect(new Set(sessions).size).toBe(100);
      expect(groups.length).toBeLessThanOrEqual(Math.ceil(100 / GROUP_SESSIONS) + people.length);
      expect(await stage.sweep()).toMatchObject([{ countDifferences: 0 }]);
    },
    { RELAY_CURSOR_GROUPS: "1" },
  ));

describe("a new session", () => {
  /** Creates a session, and counts the items that the queries for groups return. */
  async function createCounted(stage: Stage): Promise<{ queries: number; limit: number }> {
    const seen = { queries: 0, limit: 0 };
    const count = ({ command, input }: AwsCall): Fault | undefined => {
      if (command === "Query" && input.TableName === engine.tableNames.cursors) {
        seen.queries += 1;
        seen.limit += Number(input.Limit ?? Number.POSITIVE_INFINITY);
      }
      return undefined;
    };
    await stage.withFaults(count, () => stage.person.createSession("head"));
    return seen;
  }

  it("looks at a hundred items, however many groups its feed has, and joins one with room", () =>
    onStage({ filtered: () => false, withRoom: [40, 70] }, async (stage) => {
      // The person's ids of groups sort before those of this feed.
      expect(await createCounted(stage)).toEqual({ queries: 1, limit: 100 });
      const sizes = (await stage.groups()).map(({ cursors }) => Object.keys(cursors).length);
      expect(sizes).toHaveLength(GROUPS);
      expect(sizes.filter((size) => size < GROUP_SESSIONS).sort()).toEqual([3, 4]);
    }));

  it("begins a group when all that it looks at are full", () =>
    onStage({ filtered: () => false, withRoom: [120] }, async (stage) => {
      expect(await createCounted(stage)).toEqual({ queries: 1, limit: 100 });
      expect(await stage.groups()).toHaveLength(GROUPS + 1);
    }));
});
