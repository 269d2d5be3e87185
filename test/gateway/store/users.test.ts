import { expect, it } from "vitest";
import { systemClock } from "../../../shared/runtime/clock.ts";
import { eventually } from "../../support/eventually.ts";
import { TestRelay } from "../../support/testRelay.ts";
import { gatewayOver } from "./gatewayStores.ts";

it("a user is found by its name, in upper or lower case, as it was configured", async () => {
  await using relay = await TestRelay.start();
  const { users } = gatewayOver(relay, systemClock);
  const { id, secret } = await relay.createSession({
    feed: "pbx-1",
    kind: "ami",
    username: "WallBoard",
    read: "call,user",
    eventFilters: ["!Event: RTCP.*"],
    resume: true,
    multipleLogin: "refuse",
    sequenceHeader: true,
  });
  const found = await users.find("wallboard");
  expect(found).toEqual({
    session: id,
    version: 1,
    feed: "pbx-1",
    username: "WallBoard",
    secret,
    formerSecrets: [],
    read: "call,user",
    eventFilters: ["!Event: RTCP.*"],
    resume: true,
    multipleLogin: "refuse",
    sequenceHeader: true,
  });
  expect(await users.find("WALLBOARD")).toEqual(found);
});

it("other names find nobody: unknown, empty, too long, a session's id", async () => {
  await using relay = await TestRelay.start();
  const { users } = gatewayOver(relay, systemClock);
  const { id } = await relay.createSession({ feed: "pbx", kind: "ami", username: "wallboard" });
  for (const name of ["wallboar", "", "w".repeat(80), "w".repeat(5_000), id, "wallboard\0", "Wallboärd"])
    expect(await users.find(name)).toBeUndefined();
});

it("a paused or deleted user is not found, and a resumed one is", async () => {
  await using relay = await TestRelay.start();
  const { users } = gatewayOver(relay, systemClock);
  const { id } = await relay.createSession({ feed: "pbx", kind: "ami", username: "wallboard" });
  await relay.changeSession(id, { state: "paused" });
  expect(await users.find("wallboard")).toBeUndefined();
  await relay.changeSession(id, { state: "active" });
  expect(await users.find("wallboard")).toMatchObject({ session: id, version: 3 });
  await relay.deleteSession(id);
  expect(await users.find("wallboard")).toBeUndefined();
});

it("after a rotation the old secret is accepted for a while, and not at all if it ends at once", async () => {
  await using relay = await TestRelay.start({ RELAY_SECRET_OVERLAP_SECONDS: "2" });
  const { users } = gatewayOver(relay, systemClock);
  const { id, secret: first } = await relay.createSession({
    feed: "pbx",
    kind: "ami",
    username: "wallboard",
  });
  const { secret: second } = await relay.changeSession(id, { rotateSecret: true });
  expect(await users.find("wallboard")).toMatchObject({ secret: second, formerSecrets: [first] });
  await eventually("the end of the overlap", async () => {
    const user = await users.find("wallboard");
    return user?.formerSecrets?.length === 0 && user.secret === second;
  });
  const { secret: third } = await relay.changeSession(id, { rotateSecret: true });
  const given = "a secret of our own".replaceAll(" ", "-");
  expect(await relay.changeSession(id, { rotateSecret: "at-once", secret: given })).toMatchObject({
    secret: given,
  });
  expect(third).not.toBe(second);
  expect(await users.find("wallboard")).toMatchObject({ secret: given, formerSecrets: [] });
});
