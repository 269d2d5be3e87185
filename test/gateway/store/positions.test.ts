import { describe, expect, it } from "vitest";
import { FeedMissingError, type OpenPosition, PositionInUseError } from "../../../gateway/positions.ts";
import { SETTLE_MILLIS, WRITE_EVERY_MILLIS } from "../../../gateway/store/durablePosition.ts";
import { eventually } from "../../support/eventually.ts";
import { ManualClock } from "../../support/manualClock.ts";
import { someEvents, TestRelay } from "../../support/testRelay.ts";
import { gatewayOver, LEASE_MILLIS } from "./gatewayStores.ts";

const SETTINGS = { RELAY_SEGMENT_SIZE: "10", RELAY_SWEEP_SECONDS: "3600" };
const OPEN = new AbortController().signal;

/** The time after which progress is settled and written. */
const WRITTEN_AFTER_MILLIS = SETTLE_MILLIS + WRITE_EVERY_MILLIS;

async function wallboard(
  relay: TestRelay,
  more: { resume?: boolean; multipleLogin?: "refuse" | "take-over" } = {},
) {
  const clock = new ManualClock();
  const gateway = gatewayOver(relay, clock);
  const { id } = await relay.createSession({
    feed: "pbx",
    kind: "ami",
    username: "wallboard",
    resume: true,
    ...more,
  });
  const user = await gateway.userOf("wallboard");
  return { ...gateway, clock, id, user, open: () => gateway.positions.open(user, OPEN) };
}

/** Lets time pass second by second, and awaits the condition after each. */
async function untilPassed(clock: ManualClock, what: string, condition: () => Promise<unknown> | unknown) {
  await eventually(what, async () => {
    clock.pass(1_000);
    return condition();
  });
}

const reasonOf = (position: OpenPosition) => position.lost.reason as unknown;

describe("a user without resume", () => {
  it("begins at the tail, as Manager does, and stores nothing", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    await relay.append("pbx", someEvents(3));
    const { open, references, id } = await wallboard(relay, { resume: false });
    const [first, second] = [await open(), await open()];
    expect([first.next, second.next]).toEqual([4, 4]);
    first.advance(9);
    await first.close(true);
    await second.close();
    expect(await references.counts("pbx")).toEqual(new Map());
    expect(await relay.amiUser(id)).toMatchObject({ next: null, cursor: null, lastLogin: null });
  });

  it.each([
    ["changed", (relay: TestRelay, id: string) => relay.changeSession(id, { read: "call" })],
    ["paused", (relay: TestRelay, id: string) => relay.changeSession(id, { state: "paused" })],
    ["deleted", (relay: TestRelay, id: string) => relay.deleteSession(id)],
  ] as const)("loses its connections when it is %s", async (reason, change) => {
    await using relay = await TestRelay.start(SETTINGS);
    const { open, clock, id } = await wallboard(relay, { resume: false });
    const positions = [await open(), await open()];
    await change(relay, id);
    await untilPassed(clock, reason, () => positions.every(({ lost }) => lost.aborted));
    expect(positions.map(reasonOf)).toEqual([reason, reason]);
    await Promise.all(positions.map((position) => position.close()));
  });

  it("cannot follow a feed that does not exist", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    const { positions, user } = await wallboard(relay, { resume: false });
    await expect(positions.open({ ...user, feed: "other" }, OPEN)).rejects.toThrow(FeedMissingError);
  });

  it("cannot log in under settings that were changed since the login found them", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    const { open, id } = await wallboard(relay, { resume: false });
    await relay.changeSession(id, { read: "call" });
    await expect(open()).rejects.toMatchObject({ code: "position.not-available" });
  });
});

describe("a position", () => {
  it("begins where the user stood when it was created, and is held while the connection lasts", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    await relay.append("pbx", someEvents(3));
    const { open, id, references } = await wallboard(relay);
    await relay.append("pbx", someEvents(4));
    expect(await relay.amiUser(id)).toMatchObject({
      connectedSince: null,
      lastLogin: null,
      next: 4,
      lagMessages: 4,
    });
    const position = await open();
    expect([position.next, position.gap]).toEqual([4, undefined]);
    const shown = await relay.amiUser(id);
    expect(shown).toMatchObject({ state: "active", cursor: { state: "active", fence: 2 } });
    expect(shown.connectedSince).toBe(shown.lastLogin);
    expect(shown.connectedSince).not.toBeNull();
    expect(await references.counts("pbx")).toEqual(new Map([[0, 1]]));
    position.advance(8);
    await position.close(true);
    expect(await relay.amiUser(id)).toMatchObject({
      connectedSince: null,
      lastLogin: shown.lastLogin,
      next: 8,
      lagMessages: 0,
      cursor: { state: "parked", fence: 2 },
    });
  });

  it("is written a few seconds after what was sent, so a cut connection is given its last seconds again", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    await relay.append("pbx", someEvents(8));
    const { open, clock, rowOf, user } = await wallboard(relay);
    await relay.append("pbx", someEvents(8));
    const position = await open();
    position.advance(10);
    await untilPassed(clock, "the first write", async () => (await rowOf(user)).next === 10);
    position.advance(14);
    await position.close();
    expect(await rowOf(user)).toMatchObject({ state: "parked", next: 10, previous: 9 });
    expect((await open()).next).toBe(10);
  });

  it("moves its reference when it enters another segment, without waiting for its next write", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    await relay.append("pbx", someEvents(5));
    const { open, clock, references, user, rowOf } = await wallboard(relay);
    await relay.append("pbx", someEvents(30));
    const position = await open();
    clock.pass(1_000);
    position.advance(25);
    const before = clock.nowEpochMillis();
    await untilPassed(clock, "the crossing", async () => (await references.counts("pbx")).get(2) === 1);
    expect(clock.nowEpochMillis() - before).toBeLessThan(WRITTEN_AFTER_MILLIS + 3_000);
    expect(await references.counts("pbx")).toEqual(new Map([[2, 1]]));
    expect(await rowOf(user)).toMatchObject({ next: 25, segment: 2 });
    await position.close();
  });

  it("renews its lease although nothing happens", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    const { open, clock, user, rowOf } = await wallboard(relay, { multipleLogin: "refuse" });
    const position = await open();
    const began = clock.nowEpochMillis();
    await untilPassed(clock, "three leases", () => clock.nowEpochMillis() > began + 3 * LEASE_MILLIS);
    expect(position.lost.aborted).toBe(false);
    expect((await rowOf(user)).leaseUntilEpochMillis).toBeGreaterThan(began + 2 * LEASE_MILLIS);
    await expect(open()).rejects.toThrow(PositionInUseError);
    await position.close();
    await (await open()).close();
  });

  it("is not written by who has lost it, and closing it twice changes nothing", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    await relay.append("pbx", someEvents(3));
    const { open, user, rowOf } = await wallboard(relay);
    const first = await open();
    const second = await open();
    first.advance(4);
    await Promise.all([first.close(true), first.close(true)]);
    expect(await rowOf(user)).toMatchObject({ state: "active", next: 4, fence: 3 });
    await second.close();
    await second.close(true);
    expect(await rowOf(user)).toMatchObject({ state: "parked", fence: 3 });
  });
});

describe("a second login", () => {
  it("is refused while the first connection lasts, if the user says so", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    const { open } = await wallboard(relay, { multipleLogin: "refuse" });
    const first = await open();
    await expect(open()).rejects.toThrow(PositionInUseError);
    await first.close();
    await (await open()).close();
  });

  it("takes over, and the first connection is lost within a renewal of its lease", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    await relay.append("pbx", someEvents(8));
    const { open, clock, rowOf, user } = await wallboard(relay);
    const first = await open();
    const second = await open();
    expect(second.next).toBe(9);
    const before = clock.nowEpochMillis();
    await untilPassed(clock, "the loss", () => first.lost.aborted);
    expect(reasonOf(first)).toBe("taken-over");
    expect(clock.nowEpochMillis() - before).toBeLessThan(LEASE_MILLIS);
    expect(second.lost.aborted).toBe(false);
    await first.close(true);
    expect(await rowOf(user)).toMatchObject({ state: "active", fence: 3 });
    await second.close();
  });

  it("of many at once has one winner, and the others are lost or refused", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    const { open, clock } = await wallboard(relay, { multipleLogin: "refuse" });
    const logins = await Promise.allSettled(Array.from({ length: 8 }, open));
    const opened = logins.flatMap((login) => (login.status === "fulfilled" ? [login.value] : []));
    const refusals = logins.flatMap((login) => (login.status === "rejected" ? [login.reason] : []));
    expect(opened).toHaveLength(1);
    expect(refusals.every((reason) => reason instanceof PositionInUseError)).toBe(true);
    clock.pass(LEASE_MILLIS / 2);
    await Promise.all(opened.map((position) => position.close()));
  });

  it("of a client that has left meanwhile leaves nothing held", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    const { positions, user, rowOf, open } = await wallboard(relay, { multipleLogin: "refuse" });
    const gone = new AbortController();
    const opening = positions.open(user, gone.signal);
    gone.abort(new Error("the client has left"));
    await expect(opening).rejects.toThrow("the client has left");
    expect((await rowOf(user)).state).toBe("parked");
    await (await open()).close();
  });
});

describe("a gateway that dies", () => {
  it("keeps its user out until the lease expires, and the next login begins at or before what was sent", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    const { open, clock, rowOf, user } = await wallboard(relay, { multipleLogin: "refuse" });
    await relay.append("pbx", someEvents(8));
    // Another process has the same tables and its own clock, which stops with it.
    const dead = new ManualClock();
    const crashed = await gatewayOver(relay, dead).positions.open(user, OPEN);
    crashed.advance(5);
    await untilPassed(dead, "the write", async () => (await rowOf(user)).next === 5);
    crashed.advance(8);
    await expect(open()).rejects.toThrow(PositionInUseError);
    clock.pass(dead.nowEpochMillis() - clock.nowEpochMillis() + LEASE_MILLIS + 1_000);
    const position = await open();
    expect(position.next).toBe(5);
    await position.close();
    // It was only slow, and wakes up: its lease is over.
    dead.pass(LEASE_MILLIS + 1_000);
    await eventually("the loss", async () => crashed.lost.aborted);
    expect(reasonOf(crashed)).toBe("lease-expired");
  });
});

describe("a person", () => {
  it.each([
    ["paused", { state: "paused" }],
    ["changed", { read: "call" }],
    ["changed", { rotateSecret: true }],
    ["changed", { next: 1 }],
    ["deleted", { resume: false }],
  ] as const)("ends the connection: %s by %o", async (reason, change) => {
    await using relay = await TestRelay.start(SETTINGS);
    await relay.append("pbx", someEvents(3));
    const { open, clock, id } = await wallboard(relay);
    const position = await open();
    await relay.changeSession(id, change);
    await untilPassed(clock, "the loss", () => position.lost.aborted);
    expect(reasonOf(position)).toBe(reason);
    await position.close(true);
  });

  it("deletes the user: its connection ends, and the name and the reference are free", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    const { open, clock, id, references } = await wallboard(relay);
    const position = await open();
    await relay.deleteSession(id);
    await untilPassed(clock, "the loss", () => position.lost.aborted);
    expect(reasonOf(position)).toBe("deleted");
    expect(await references.counts("pbx")).toEqual(new Map());
    await relay.createSession({ feed: "pbx", kind: "ami", username: "WALLBOARD" });
  });

  it("keeps a paused or suspended position, which nobody can open", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    await relay.append("pbx", someEvents(3));
    const { open, id, users, positions } = await wallboard(relay);
    await relay.changeSession(id, { state: "paused" });
    await expect(open()).rejects.toMatchObject({ code: "position.not-available" });
    await relay.append("pbx", someEvents(3));
    await relay.changeSession(id, { state: "active" });
    const user = await users.find("wallboard");
    if (user === undefined) throw new Error("no user");
    const position = await positions.open(user, OPEN);
    expect(position.next).toBe(4);
    await position.close();
  });
});

describe("a user who lags beyond the retention", () => {
  const RETAINING = { ...SETTINGS, RELAY_SWEEP_SECONDS: "0.2", RELAY_RETENTION_MESSAGES: "20" };
  const GAP = { first: 4, last: 43, reason: "retention" };

  it("is given the gap at its next login, until a connection has told it", async () => {
    await using relay = await TestRelay.start(RETAINING);
    await relay.append("pbx", someEvents(3));
    const { open, clock, rowOf, user } = await wallboard(relay);
    await relay.append("pbx", someEvents(60));
    await eventually("the eviction", async () => (await rowOf(user)).gap !== undefined);
    // The client leaves before it was told anything.
    const hasty = await open();
    expect([hasty.next, hasty.gap]).toEqual([44, GAP]);
    await hasty.close(true);
    const told = await open();
    expect([told.next, told.gap]).toEqual([44, GAP]);
    told.advance(44);
    await untilPassed(clock, "the gap to be settled", async () => (await rowOf(user)).gap === undefined);
    expect(await rowOf(user)).toMatchObject({ next: 44, previous: 43, state: "active" });
    await told.close();
  });

  it("is given the gap while it is connected, and goes on behind it", async () => {
    await using relay = await TestRelay.start(RETAINING);
    await relay.append("pbx", someEvents(3));
    const { open, clock, rowOf, user } = await wallboard(relay);
    const position = await open();
    await relay.append("pbx", someEvents(60));
    await eventually("the eviction", async () => (await rowOf(user)).gap !== undefined);
    await untilPassed(clock, "the row to be held again", async () => (await rowOf(user)).state === "active");
    expect(position.lost.aborted).toBe(false);
    const told = await eventually("the gap", () => position.advance(5));
    expect(told).toEqual(GAP);
    expect(position.advance(50)).toBeUndefined();
    await position.close(true);
    expect(await rowOf(user)).toMatchObject({ next: 50, state: "parked" });
    expect((await rowOf(user)).gap).toBeUndefined();
  });

  it("is given no gap of what the connection had sent before the eviction", async () => {
    await using relay = await TestRelay.start(RETAINING);
    await relay.append("pbx", someEvents(3));
    const { open, clock, rowOf, user } = await wallboard(relay);
    const position = await open();
    await relay.append("pbx", someEvents(60));
    position.advance(60);
    await eventually("the eviction", async () => (await rowOf(user)).gap !== undefined);
    await untilPassed(clock, "the row to be held again", async () => (await rowOf(user)).state === "active");
    expect(position.advance(64)).toBeUndefined();
    await position.close(true);
    expect(await rowOf(user)).toMatchObject({ next: 64, state: "parked" });
    expect((await rowOf(user)).gap).toBeUndefined();
  });
});

describe("the sweep", () => {
  it("frees nothing that a position still needs, and everything once it has moved on", async () => {
    await using relay = await TestRelay.start({
      ...SETTINGS,
      RELAY_SWEEP_SECONDS: "0.2",
      RELAY_FREE_GRACE_SECONDS: "4",
    });
    await relay.append("pbx", someEvents(3));
    const { open, references, rowOf, user } = await wallboard(relay);
    await relay.append("pbx", someEvents(60));
    // A session that is freed of everything shows that the sweep runs.
    await relay.append("other", someEvents(60));
    await eventually(
      "the other feed's segments to be freed",
      async () => (await relay.feed("other")).head > 50,
    );
    expect((await relay.feed("pbx")).head).toBe(1);
    expect(await rowOf(user)).toMatchObject({ state: "parked", next: 4, fence: 1 });

    const position = await open();
    position.advance(64);
    await position.close(true);
    await eventually("its segments to be freed", async () => (await relay.feed("pbx")).head > 50);
    expect(await references.counts("pbx")).toEqual(new Map([[6, 1]]));
    expect(relay.logged.filter(({ message }) => message.includes("reference counts"))).toEqual([]);
  });
});
