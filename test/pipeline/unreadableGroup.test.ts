import { expect, it } from "vitest";
import { GroupStore } from "../../shared/aws/cursorGroups.ts";
import { ReferenceStore } from "../../shared/aws/references.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { damageGroup } from "../support/damagedGroup.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";

const SETTINGS = {
  RELAY_SEGMENT_SIZE: "10",
  RELAY_SWEEP_SECONDS: "3600",
  RELAY_CURSOR_GROUPS: "1",
};

it("sessions of a group that cannot be read are shown as suspended, and the others are as ever", async () => {
  await using relay = await TestRelay.start(SETTINGS);
  await relay.append("pbx", someEvents(25));
  const create = () => relay.createSession({ feed: "pbx", url: "http://127.0.0.1:9/", from: "tail" });
  const damaged = [await create(), await create()].map(({ id }) => id).sort();
  const { documents } = relay.relay.clients;
  const { queue, cursors } = relay.relay.tableNames;
  const store = new GroupStore(
    documents,
    cursors,
    new ReferenceStore(documents, queue, systemClock),
    systemClock,
  );
  const [listed] = (await store.listGroups("pbx")).groups;
  if (listed === undefined) throw new Error("no group");
  await damageGroup(documents, cursors, listed.group, "SET cursors = :damaged");
  const other = await create();

  const { json } = await relay.expectCall(200, "GET", "/v1/sessions");
  const views = new Map(json.sessions.map((view: { id: string }) => [view.id, view]));
  expect([...views.keys()].sort()).toEqual([...damaged, other.id].sort());
  expect(views.get(other.id)).toMatchObject({ state: "active", next: 26, lastError: null });
  // They stand in the third segment, or beyond.
  const shown = {
    state: "suspended",
    next: 21,
    lagMessages: 5,
    lastError: { reason: "group.unreadable" },
    cursor: { segment: 2 },
  };
  for (const id of damaged) {
    expect(views.get(id)).toMatchObject(shown);
    expect((await relay.expectCall(200, "GET", `/v1/sessions/${id}`)).json).toMatchObject(shown);
    expect((await relay.expectCall(200, "GET", `/v1/sessions/${id}/attempts`)).json.attempts).toEqual([]);
    expect((await relay.expectCall(200, "GET", `/v1/sessions/${id}/explain/22`)).json).toMatchObject({
      outcome: "waiting",
      because: "suspended",
    });
    const refused = [
      await relay.expectCall(409, "PATCH", `/v1/sessions/${id}`, { body: { next: "tail" } }),
      await relay.expectCall(409, "POST", `/v1/sessions/${id}/test`),
      await relay.expectCall(409, "DELETE", `/v1/sessions/${id}`),
    ];
    expect(refused.map((answer) => answer.json.code)).toEqual(Array(3).fill("group.unreadable"));
  }
  // The damaged group is counted once, and the other session.
  const { segments } = await relay.feed("pbx");
  expect(segments.map(({ references }) => references)).toEqual([0, 0, 2]);
  expect((await relay.expectCall(200, "GET", "/v1/feeds")).json.feeds).toMatchObject([
    { feed: "pbx", sessions: 2, lagMessagesAtMost: 5 },
  ]);
  await relay.changeSession(other.id, { state: "paused" });
  await relay.deleteSession(other.id);
});
