import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { startRelayGateway } from "../../../gateway/relayGateway.ts";
import { tables } from "../../../shared/aws/resources.ts";
import { systemClock } from "../../../shared/runtime/clock.ts";
import { silentLog } from "../../../shared/runtime/log.ts";
import { eventually } from "../../support/eventually.ts";
import { TestRelay } from "../../support/testRelay.ts";
import { AmiClient } from "./amiClient.ts";

const stateChanges = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => ({
    type: "DeviceStateChanged",
    timestamp: "2026-11-27T08:00:24.396+0000",
    device_state: { name: `PJSIP/${from + index}`, state: "BUSY" },
  }));

const numbersOf = (client: AmiClient) =>
  client.events("DeviceStateChange").map(({ RelaySequence }) => Number(RelaySequence));

async function relayWithAmi(environment: Record<string, string> = {}) {
  const relay = await TestRelay.start(environment, undefined, { amiPort: 0 });
  const { port } = relay.relay.amiPorts;
  if (port === undefined) throw new Error("AMI is not served");
  return { relay, port, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
}

/** A second gateway over the same tables. */
function gatewayBeside({ relay }: TestRelay) {
  return startRelayGateway({
    environment: {
      [tables.queue.variable]: relay.tableNames.queue,
      [tables.cursors.variable]: relay.tableNames.cursors,
      [tables.sessions.variable]: relay.tableNames.sessions,
    },
    clients: relay.clients,
    clock: systemClock,
    log: silentLog,
    listen: { host: "127.0.0.1", port: 0 },
  });
}

it("a user logs in to the relay as to a PBX, and gets the events that are appended from then on", async () => {
  await using local = await relayWithAmi();
  const { relay, port } = local;
  await relay.append("pbx", stateChanges(2));
  const { secret } = await relay.createSession({
    feed: "pbx",
    kind: "ami",
    username: "wallboard",
    read: "call",
    sequenceHeader: true,
  });
  await using client = await AmiClient.login(port, "Wallboard", secret);
  expect(client.response()).toBe("Authentication accepted");
  await relay.append("pbx", stateChanges(3));
  await eventually("the events", () => numbersOf(client).length === 3);
  expect(numbersOf(client)).toEqual([3, 4, 5]);
});

it("a wrong secret, an unknown name, a paused and a deleted user are refused alike", async () => {
  await using local = await relayWithAmi();
  const { relay, port } = local;
  const { id, secret } = await relay.createSession({ feed: "pbx", kind: "ami", username: "wallboard" });
  const refused = async (username: string, tried: string) => {
    await using client = await AmiClient.login(port, username, tried);
    return client.response();
  };
  expect(await refused("wallboard", `${secret}x`)).toBe("Authentication failed");
  expect(await refused("nobody", secret)).toBe("Authentication failed");
  await relay.changeSession(id, { state: "paused" });
  expect(await refused("wallboard", secret)).toBe("Authentication failed");
  await relay.deleteSession(id);
  expect(await refused("wallboard", secret)).toBe("Authentication failed");
});

it("both secrets log in while a rotation overlaps, also by challenge", async () => {
  await using local = await relayWithAmi();
  const { relay, port } = local;
  const { id, secret: old } = await relay.createSession({ feed: "pbx", kind: "ami", username: "wallboard" });
  const { secret = "" } = await relay.changeSession(id, { rotateSecret: true });
  for (const each of [old, secret]) {
    await using plain = await AmiClient.login(port, "wallboard", each);
    expect(plain.response()).toBe("Authentication accepted");
    await using client = await AmiClient.connect(port);
    client.send("Challenge", { AuthType: "MD5" });
    const challenge = await eventually("the challenge", () => client.blocks()[0]?.Challenge);
    const key = createHash("md5").update(`${challenge}${each}`).digest("hex");
    client.send("Login", { AuthType: "MD5", Username: "wallboard", Key: key });
    await eventually("the answer", () => client.blocks().length >= 2);
    expect(client.blocks()[1]?.Message).toBe("Authentication accepted");
  }
  await relay.changeSession(id, { rotateSecret: "at-once" });
  await using late = await AmiClient.login(port, "wallboard", secret);
  expect(late.response()).toBe("Authentication failed");
});

it("with resume, a client that comes back after a restart of the gateway misses nothing, and a pause ends it", async () => {
  await using local = await relayWithAmi({ RELAY_SEGMENT_SIZE: "50" });
  const { relay } = local;
  const { id, secret } = await relay.createSession({
    feed: "pbx",
    kind: "ami",
    username: "wallboard",
    resume: true,
    sequenceHeader: true,
  });
  const first = await gatewayBeside(relay);
  await using before = await AmiClient.login(first.ports.port ?? 0, "wallboard", secret);
  await relay.append("pbx", stateChanges(120));
  await eventually("120 events", () => numbersOf(before).length === 120);
  await first.stop();
  expect(before.isClosed).toBe(true);
  // The client had read everything before the end, and said so with its own.
  expect(await relay.amiUser(id)).toMatchObject({ next: 121 });
  await relay.append("pbx", stateChanges(80, 121));
  expect(await relay.amiUser(id)).toMatchObject({ connectedSince: null, cursor: { state: "parked" } });

  const second = await gatewayBeside(relay);
  await using after = await AmiClient.login(second.ports.port ?? 0, "wallboard", secret);
  await eventually("the rest", () => numbersOf(after).at(-1) === 200);
  const numbers = numbersOf(after);
  const [beginning = 0] = numbers;
  expect(beginning).toBeLessThanOrEqual(121);
  expect(numbers).toEqual(Array.from({ length: 201 - beginning }, (_, index) => beginning + index));
  expect((await relay.amiUser(id)).connectedSince).not.toBeNull();

  await relay.changeSession(id, { state: "paused" });
  await eventually("the end of the connection", () => after.isClosed, 25_000);
  await second.stop();
  expect((await relay.feed("pbx")).segments.reduce((sum, { references }) => sum + references, 0)).toBe(1);
}, 60_000);

it("with resume, a client whose connection was cut is given at most its last seconds again, and nothing is left out", async () => {
  await using local = await relayWithAmi();
  const { relay, port } = local;
  const { secret } = await relay.createSession({
    feed: "pbx",
    kind: "ami",
    username: "wallboard",
    resume: true,
    sequenceHeader: true,
  });
  await using before = await AmiClient.login(port, "wallboard", secret);
  await relay.append("pbx", stateChanges(30));
  await eventually("30 events", () => numbersOf(before).length === 30);
  before.cut();
  await relay.append("pbx", stateChanges(10, 31));
  await using after = await AmiClient.login(port, "wallboard", secret);
  await eventually("the rest", () => numbersOf(after).at(-1) === 40);
  const [beginning = 0] = numbersOf(after);
  expect(beginning).toBeLessThanOrEqual(31);
  expect(numbersOf(after)).toHaveLength(41 - beginning);
});
