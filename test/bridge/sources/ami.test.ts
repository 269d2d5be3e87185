import { afterEach, describe, expect, it } from "vitest";
import type { Source } from "../../../bridge/source.ts";
import { type AmiOptions, amiSource } from "../../../bridge/sources/ami/amiSource.ts";
import { ariHas } from "../../../bridge/sources/ami/ariHas.ts";
import { certificate } from "../../support/asterisk/certificate.ts";
import { FaultyNetwork } from "../../support/asterisk/faultyNetwork.ts";
import { ManagerPbx } from "../../support/asterisk/managerPbx.ts";
import { recordedAmi, recordedStasis } from "../../support/asterisk/recordings.ts";
import { Witness } from "../../support/asterisk/witness.ts";
import { eventually } from "../../support/eventually.ts";

/** Without FullyBooted, which a PBX sends at every login. */
const BLOCKS = recordedAmi("calls-mixed").slice(1);
const QUICK = { backoff: { baseMillis: 20, maxMillis: 100 } };

const running: Source[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((source) => source.stop()));
});

function follow(port: number, options: Partial<AmiOptions> = {}) {
  const source = amiSource(
    { host: "127.0.0.1", port, username: "bridge", secret: "secret", select: "everything", ...options },
    QUICK,
  );
  const witness = new Witness();
  running.push(source);
  source.start(witness);
  return { source, witness };
}

/** The events as bytes, without the greeting's FullyBooted. */
function received(witness: Witness): string[] {
  return witness.events
    .map(({ body }) => body.toString("latin1"))
    .filter((text) => !text.startsWith("Event: FullyBooted"));
}

const latin1 = (blocks: readonly Buffer[]) => blocks.map((block) => block.toString("latin1"));

describe("an AMI source", () => {
  it("logs in by challenge and hands over every event as the bytes that came", async () => {
    await using pbx = await ManagerPbx.start();
    const { witness } = follow(pbx.port);
    await witness.waitFor("up");
    for (const block of BLOCKS) pbx.emit(block);
    await witness.waitFor("event", BLOCKS.length + 1);
    expect(received(witness)).toEqual(latin1(BLOCKS));
    expect(witness.events.every(({ format }) => format === "ami")).toBe(true);
    expect(witness.identities).toEqual([
      {
        startedAtEpochMillis: Date.parse("2026-11-23T07:59:41.000Z"),
        version: "23.5.0-rc1",
        systemName: "pbx1",
        entityId: undefined,
      },
    ]);
    expect(pbx.actions.slice(0, 2)).toEqual(["Challenge", "Login"]);
  });

  it("hands over FullyBooted, which is an event, and no answers", async () => {
    await using pbx = await ManagerPbx.start();
    const { source, witness } = follow(pbx.port);
    await witness.waitFor("up");
    for (const event of recordedStasis("calls-mixed").slice(0, 100)) pbx.state.follow(event);
    await source.state(AbortSignal.timeout(5_000));
    pbx.emit(Buffer.from("Event: Cdr\r\nPrivilege: cdr,all\r\n\r\n"));
    await witness.waitFor("event", 2);
    expect(witness.texts.map((text) => /^Event: (\w+)/.exec(text)?.[1])).toEqual(["FullyBooted", "Cdr"]);
  });

  it("keeps Latin-1 names, and values with line feeds of their own, in one event", async () => {
    await using pbx = await ManagerPbx.start();
    const { witness } = follow(pbx.port);
    await witness.waitFor("up");
    const name = Buffer.from(
      "Event: Newchannel\r\nPrivilege: call,all\r\nCallerIDName: M\xfcller\r\n\r\n",
      "latin1",
    );
    const feed = Buffer.from(
      "Event: Newexten\r\nPrivilege: dialplan,all\r\nAppData: a\nb: c\r\nUniqueid: 1\r\n\r\n",
    );
    const empty = Buffer.from(
      "Event: Newexten\r\nPrivilege: dialplan,all\r\nAppData: a\n\nb\r\nUniqueid: 2\r\n\r\n",
    );
    for (const block of [name, feed, empty]) pbx.emit(block);
    await witness.waitFor("event", 4);
    expect(received(witness)).toEqual([
      name.toString("latin1"),
      feed.toString(),
      empty.toString().replace("\n\n", "\n"),
    ]);
  });

  it("hands over the events of other clients' actions, which carry their ActionIDs", async () => {
    await using pbx = await ManagerPbx.start();
    const { witness } = follow(pbx.port);
    await witness.waitFor("up");
    const block = Buffer.from(
      "Event: OriginateResponse\r\nPrivilege: call,all\r\nActionID: relay-1\r\nResponse: Success\r\n\r\n",
    );
    pbx.emit(block);
    await witness.waitFor("event", 2);
    expect(received(witness)).toEqual([block.toString()]);
  });

  it("takes only what ARI has not, also when Manager lets it set no filter", async () => {
    const expected = latin1(BLOCKS.filter((block) => !ariHas(block)));
    const end = "Event: Cdr\r\nPrivilege: cdr,all\r\nLast: yes\r\n\r\n";
    for (const write of [["reporting"], ["system", "reporting"]]) {
      await using pbx = await ManagerPbx.start({ user: { name: "bridge", secret: "secret", write } });
      const { source, witness } = follow(pbx.port, { select: "not-in-ari" });
      await witness.waitFor("up");
      for (const block of [...BLOCKS, Buffer.from(end)]) pbx.emit(block);
      await eventually("the last event", () => witness.texts.at(-1) === end);
      expect(received(witness)).toEqual([...expected, end]);
      const sent = pbx.journal.entries.length;
      if (write.includes("system")) expect(sent).toBeLessThan(BLOCKS.length / 2);
      else expect(sent).toBeGreaterThanOrEqual(BLOCKS.length);
      await source.stop();
    }
  });

  it("pings, so that events which wait for input come soon", async () => {
    await using pbx = await ManagerPbx.start({ isLate: true });
    const { witness } = follow(pbx.port, { life: { everyMillis: 100, limitMillis: 5_000 } });
    await witness.waitFor("up");
    for (const block of BLOCKS.slice(0, 10)) pbx.emit(block);
    await witness.waitFor("event", 11);
    expect(received(witness)).toEqual(latin1(BLOCKS.slice(0, 10)));
  });

  it("notices a Manager that answers no pings", async () => {
    await using pbx = await ManagerPbx.start();
    const { witness } = follow(pbx.port, { life: { everyMillis: 50, limitMillis: 300 } });
    await witness.waitFor("up");
    pbx.isDeaf = true;
    await witness.waitFor("down");
    expect(witness.losses[0]).toMatchObject({ code: "timeout" });
    pbx.isDeaf = false;
    await witness.waitFor("up", 2);
  });

  it("notices a Manager that greets and then says nothing", async () => {
    await using pbx = await ManagerPbx.start();
    pbx.isDeaf = true;
    const { witness } = follow(pbx.port, { timeoutMillis: 200 });
    await witness.waitFor("failed");
    expect(witness.losses[0]).toMatchObject({ code: "timeout" });
  });

  it("reports the same start time whatever the PBX's time zone and clock", async () => {
    await using pbx = await ManagerPbx.start();
    pbx.state.zoneMinutes = 345;
    pbx.state.clockAheadMillis = -3 * 3_600_000;
    const { witness } = follow(pbx.port);
    await witness.waitFor("up");
    pbx.cut();
    await witness.waitFor("up", 2);
    const started = Date.parse("2026-11-23T07:59:41.000Z");
    expect(witness.identities.map(({ startedAtEpochMillis }) => startedAtEpochMillis)).toEqual([
      started,
      started,
    ]);
  });

  it("reports a new start time after a restart", async () => {
    await using pbx = await ManagerPbx.start();
    const { witness } = follow(pbx.port);
    await witness.waitFor("up");
    await pbx.restart(Date.parse("2026-11-23T09:30:00.000Z"));
    await witness.waitFor("up", 2);
    expect(witness.identities[1]?.startedAtEpochMillis).toBe(Date.parse("2026-11-23T09:30:00.000Z"));
    expect(witness.course.filter((kind) => kind !== "failed")).toEqual(["up", "down", "up"]);
  });

  it("tells what the PBX has now in ARI's shapes", async () => {
    await using pbx = await ManagerPbx.start();
    const { source, witness } = follow(pbx.port);
    await witness.waitFor("up");
    for (const event of recordedStasis("busy-150").slice(0, 1_500)) pbx.state.follow(event);
    const state = await source.state(AbortSignal.timeout(5_000));
    expect(state.channels.length).toBeGreaterThan(20);
    expect(state.bridges.length).toBeGreaterThan(2);
    const withoutTime = ({ creationtime, ...rest }: Readonly<Record<string, unknown>>) => rest;
    expect(state.channels.map(withoutTime)).toEqual(
      [...pbx.state.channels.values()].map((channel) => ({ ...withoutTime(channel), protocol_id: "" })),
    );
    for (const [index, channel] of [...pbx.state.channels.values()].entries()) {
      const told = Date.parse(String(state.channels[index]?.creationtime));
      expect(Math.abs(told - Date.parse(String(channel.creationtime)))).toBeLessThan(5_000);
    }
    expect(state.bridges.map(withoutTime)).toEqual([...pbx.state.bridges.values()].map(withoutTime));
    expect(state.deviceStates).toEqual([...pbx.state.deviceStates.values()]);
    expect(state.endpoints).toEqual(pbx.state.endpoints);
  });

  it("tells no endpoints when Manager has none, and refuses the state when it may not see channels", async () => {
    const user = { name: "bridge", secret: "secret", write: ["reporting"] };
    await using pbx = await ManagerPbx.start({ user });
    const { source, witness } = follow(pbx.port);
    await witness.waitFor("up");
    await expect(source.state(AbortSignal.timeout(5_000))).resolves.toHaveProperty("endpoints", []);
    user.write = [];
    await expect(source.state(AbortSignal.timeout(5_000))).rejects.toMatchObject({
      code: "forbidden",
      message: expect.stringContaining("manager.conf: section [bridge]"),
    });
  });

  it("hands nothing over after a cut, and reconnects", async () => {
    await using pbx = await ManagerPbx.start();
    const { source, witness } = follow(pbx.port);
    await witness.waitFor("up");
    witness.onEvent = (event) => {
      if (!event.body.includes("Newchannel")) return;
      witness.onEvent = () => undefined;
      source.cut("reader-too-slow");
    };
    const first = BLOCKS.findIndex((block) => block.includes("Event: Newchannel"));
    for (const block of BLOCKS) pbx.emit(block);
    await witness.waitFor("up", 2);
    expect(received(witness)).toEqual(latin1(BLOCKS.slice(0, first + 1)));
    expect(witness.losses).toMatchObject([{ code: "reader-too-slow" }]);
  });

  it("logs off when it stops, and hands over what was delivered before", async () => {
    await using pbx = await ManagerPbx.start();
    const { source, witness } = follow(pbx.port);
    await witness.waitFor("up");
    for (const block of BLOCKS) pbx.emit(block);
    await source.stop();
    expect(received(witness)).toEqual(latin1(BLOCKS));
    expect(pbx.actions.at(-1)).toBe("Logoff");
    expect(witness.losses).toMatchObject([{ code: "stopped" }]);
  });

  it("speaks TLS", async () => {
    const tls = await certificate();
    await using pbx = await ManagerPbx.start({ tls });
    const { witness } = follow(pbx.port, { tls: { ca: tls.cert } });
    await witness.waitFor("up");
    pbx.emit(Buffer.from("Event: Cdr\r\nPrivilege: cdr,all\r\n\r\n"));
    await witness.waitFor("event", 2);
  });

  it("reads the same from a network that cuts the bytes anywhere", async () => {
    await using pbx = await ManagerPbx.start();
    let length = 0;
    await using network = await FaultyNetwork.start(pbx.port, () => {
      length = (length * 7 + 3) % 101;
      return length;
    });
    const { witness } = follow(network.port);
    await witness.waitFor("up");
    for (const block of BLOCKS) pbx.emit(block);
    await witness.waitFor("event", BLOCKS.length + 1);
    expect(received(witness)).toEqual(latin1(BLOCKS));
  });
});
