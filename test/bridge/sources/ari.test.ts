import { afterEach, describe, expect, it } from "vitest";
import type { Source } from "../../../bridge/source.ts";
import { type AriOptions, ariSource } from "../../../bridge/sources/ari/ariSource.ts";
import { AriPbx } from "../../support/asterisk/ariPbx.ts";
import { certificate } from "../../support/asterisk/certificate.ts";
import { FaultyNetwork } from "../../support/asterisk/faultyNetwork.ts";
import { textsOf } from "../../support/asterisk/journal.ts";
import { recordedStasis } from "../../support/asterisk/recordings.ts";
import { Witness } from "../../support/asterisk/witness.ts";
import { eventually } from "../../support/eventually.ts";

const EVENTS = recordedStasis("calls-mixed");
const QUICK = { backoff: { baseMillis: 20, maxMillis: 100 } };

const running: Source[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((source) => source.stop()));
});

function follow(url: string, options: Partial<AriOptions> = {}) {
  const source = ariSource(
    { url, username: "ari", password: "secret", app: "stasis-relay-pbx1", ...options },
    QUICK,
  );
  const witness = new Witness();
  running.push(source);
  source.start(witness);
  return { source, witness };
}

describe("an ARI source", () => {
  it("hands over every event as it came and in order, after the PBX has said who it is", async () => {
    await using pbx = await AriPbx.start();
    const { witness } = follow(pbx.url);
    await witness.waitFor("up");
    for (const event of EVENTS) pbx.emit(event);
    await witness.waitFor("event", EVENTS.length);
    expect(witness.texts).toEqual(EVENTS);
    expect(witness.happenings[0]).toEqual({
      kind: "up",
      pbx: {
        startedAtEpochMillis: Date.parse("2026-11-23T07:59:41.000Z"),
        version: "23.5.0-rc1",
        systemName: "pbx1",
        entityId: "02:fc:00:00:00:01",
      },
    });
    expect(witness.events.every(({ format }) => format === "stasis")).toBe(true);
    expect(textsOf(pbx.journal.entries)).toEqual(EVENTS);
  });

  it("subscribes to everything with an application of its own", async () => {
    await using pbx = await AriPbx.start();
    const { witness } = follow(pbx.url);
    await witness.waitFor("up");
    expect(pbx.requests[0]).toBe("WS /ari/events?app=stasis-relay-pbx1&subscribeAll=true");
  });

  it("holds what comes before the PBX has said who it is, and hands it over afterwards", async () => {
    await using pbx = await AriPbx.start();
    pbx.answerMillis = 200;
    const { witness } = follow(pbx.url);
    await eventually("an application", () => pbx.apps.length === 1);
    for (const event of EVENTS.slice(0, 50)) pbx.emit(event);
    await witness.waitFor("event", 50);
    expect(witness.happenings[0]?.kind).toBe("up");
    expect(witness.texts).toEqual(EVENTS.slice(0, 50));
  });

  it("sets the event filter at every connection", async () => {
    await using pbx = await AriPbx.start();
    const { witness } = follow(pbx.url, { disallowedTypes: ["ChannelVarset", "ChannelDialplan"] });
    await witness.waitFor("up");
    expect(pbx.filter("stasis-relay-pbx1")).toEqual(["ChannelVarset", "ChannelDialplan"]);
    pbx.cut();
    await witness.waitFor("up", 2);
    expect(pbx.filter("stasis-relay-pbx1")).toEqual(["ChannelVarset", "ChannelDialplan"]);
    for (const event of EVENTS) pbx.emit(event);
    const expected = EVENTS.filter((event) => !/^Channel(?:Varset|Dialplan)$/.test(JSON.parse(event).type));
    await witness.waitFor("event", expected.length);
    expect(witness.texts).toEqual(expected);
  });

  it("puts JSON with line breaks on one line", async () => {
    await using pbx = await AriPbx.start();
    const { witness } = follow(pbx.url);
    await witness.waitFor("up");
    const event = { type: "ChannelUserevent", note: "a\nb" };
    pbx.emit(JSON.stringify(event, null, 2));
    pbx.sendRaw(" \r\n");
    pbx.emit('{"type":"Next"}');
    await witness.waitFor("event", 2);
    expect(witness.texts[0]).not.toMatch(/[\r\n]/);
    expect(witness.texts.map((text) => JSON.parse(text))).toEqual([event, { type: "Next" }]);
  });

  it("tells what the PBX has now", async () => {
    await using pbx = await AriPbx.start();
    const { source, witness } = follow(pbx.url);
    await witness.waitFor("up");
    for (const event of EVENTS.slice(0, 100)) pbx.emit(event);
    const state = await source.state(AbortSignal.timeout(5_000));
    expect(state.channels).toEqual([...pbx.state.channels.values()]);
    expect(state.channels.length).toBeGreaterThan(3);
    expect(state.bridges).toEqual([...pbx.state.bridges.values()]);
    expect(state.endpoints).toEqual(pbx.state.endpoints);
    expect(state.deviceStates).toEqual([...pbx.state.deviceStates.values()]);
    expect(state.pbx.startedAtEpochMillis).toBe(pbx.state.startedAtEpochMillis);
  });

  it("refuses to tell the state while the link is down", async () => {
    await using pbx = await AriPbx.start();
    const { source, witness } = follow(pbx.url);
    await witness.waitFor("up");
    await pbx.down();
    await witness.waitFor("down");
    await expect(source.state(AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: "closed" });
  });

  it("reconnects after a restart and reports the new start time", async () => {
    await using pbx = await AriPbx.start();
    const { witness } = follow(pbx.url);
    await witness.waitFor("up");
    await pbx.down();
    await witness.waitFor("failed", 2);
    await pbx.restart(Date.parse("2026-11-23T09:00:00.000Z"));
    await witness.waitFor("up", 2);
    expect(witness.identities.map(({ startedAtEpochMillis }) => startedAtEpochMillis)).toEqual([
      Date.parse("2026-11-23T07:59:41.000Z"),
      Date.parse("2026-11-23T09:00:00.000Z"),
    ]);
    expect(witness.course.slice(0, 3)).toEqual(["up", "down", "failed"]);
    expect(witness.course.filter((kind) => kind === "down")).toHaveLength(1);
  });

  it("stops when another client takes the application, and does not fight", async () => {
    await using pbx = await AriPbx.start();
    const first = follow(pbx.url);
    await first.witness.waitFor("up");
    const second = follow(pbx.url);
    await second.witness.waitFor("up");
    await first.witness.waitFor("taken");
    expect(first.witness.course).toEqual(["up", "down", "taken"]);
    expect(JSON.parse(first.witness.texts[0] ?? "")).toMatchObject({ type: "ApplicationReplaced" });
    for (const event of EVENTS) pbx.emit(event);
    await second.witness.waitFor("event", EVENTS.length);
    expect(second.witness.course).toEqual(["up"]);
    expect(pbx.requests.filter((request) => request.startsWith("WS"))).toHaveLength(2);
  });

  it("does not take an event about another application for a take-over", async () => {
    await using pbx = await AriPbx.start();
    const { witness } = follow(pbx.url);
    await witness.waitFor("up");
    pbx.emit('{"type":"ApplicationReplaced","application":"other"}');
    pbx.emit(
      '{"type":"ChannelVarset","value":"\\"ApplicationReplaced\\"","application":"stasis-relay-pbx1"}',
    );
    await witness.waitFor("event", 2);
    expect(witness.course).toEqual(["up"]);
  });

  it("hands nothing over after a cut, and reconnects", async () => {
    await using pbx = await AriPbx.start();
    const { source, witness } = follow(pbx.url);
    await witness.waitFor("up");
    witness.onEvent = () => {
      witness.onEvent = () => undefined;
      source.cut("reader-too-slow");
    };
    for (const event of EVENTS) pbx.emit(event);
    await witness.waitFor("up", 2);
    expect(witness.texts).toEqual(EVENTS.slice(0, 1));
    expect(witness.losses).toEqual([
      { code: "reader-too-slow", message: expect.stringContaining("faster than it could store") },
    ]);
  });

  it("hands over what was delivered before it stops", async () => {
    await using pbx = await AriPbx.start();
    const { source, witness } = follow(pbx.url);
    await witness.waitFor("up");
    for (const event of EVENTS) pbx.emit(event);
    await source.stop();
    expect(witness.texts).toEqual(EVENTS);
    expect(witness.losses).toEqual([{ code: "stopped", message: expect.any(String) }]);
    await eventually("no application", () => pbx.apps.length === 0);
  });

  it("stops while the PBX is away", async () => {
    await using pbx = await AriPbx.start();
    await pbx.down();
    const { source, witness } = follow(pbx.url);
    await witness.waitFor("failed");
    await source.stop();
    const attempts = witness.happenings.length;
    await pbx.listen();
    await expect(fetch(`${pbx.url}/ari/asterisk/info`)).resolves.toHaveProperty("status", 401);
    expect(pbx.requests.filter((request) => request.startsWith("WS"))).toEqual([]);
    expect(witness.happenings).toHaveLength(attempts);
  });

  it("answers pings, and notices a connection that is dead without a word", async () => {
    await using pbx = await AriPbx.start();
    await using network = await FaultyNetwork.start(pbx.port);
    const life = { everyMillis: 50, limitMillis: 300 };
    const { witness } = follow(`http://127.0.0.1:${network.port}`, { life, timeoutMillis: 500 });
    await witness.waitFor("up");
    await pbx.ping();
    network.stop();
    await witness.waitFor("down");
    expect(witness.losses[0]).toMatchObject({ code: "timeout" });
    network.repair();
    await witness.waitFor("up", 2);
  });

  it("works behind a path, over TLS with the certificate's CA, and with a ws address", async () => {
    const tls = await certificate();
    await using plain = await AriPbx.start({ prefix: "/pbx1/asterisk" });
    await using secure = await AriPbx.start({ tls });
    const prefixed = follow(`ws://127.0.0.1:${plain.port}/pbx1/asterisk/ari/`);
    const trusted = follow(secure.url, { tls: { ca: tls.cert } });
    const insecure = follow(secure.url, { app: "other", tls: { insecure: true } });
    for (const { witness } of [prefixed, trusted, insecure]) await witness.waitFor("up");
    secure.emit('{"type":"StasisStart"}');
    await trusted.witness.waitFor("event");
    expect(trusted.witness.texts).toEqual(['{"type":"StasisStart"}']);
  });
});
