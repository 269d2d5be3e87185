import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { Source } from "../../../bridge/source.ts";
import {
  OutboundListener,
  type OutboundListenerOptions,
} from "../../../bridge/sources/outbound/outboundListener.ts";
import { certificate } from "../../support/asterisk/certificate.ts";
import { FaultyNetwork } from "../../support/asterisk/faultyNetwork.ts";
import { OutboundPbx, type OutboundPbxOptions } from "../../support/asterisk/outboundPbx.ts";
import { recordedStasis } from "../../support/asterisk/recordings.ts";
import { Witness } from "../../support/asterisk/witness.ts";
import { eventually } from "../../support/eventually.ts";

const EVENTS = recordedStasis("calls-mixed");
const PBX1 = { path: "/pbx1", username: "pbx1", password: "secret" };

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

async function listen(options: Partial<OutboundListenerOptions> = {}) {
  const listener = new OutboundListener({ host: "127.0.0.1", port: 0, ...options });
  const port = await listener.listen();
  cleanUp.push(() => listener.close());
  return { listener, port };
}

function follow(source: Source) {
  const witness = new Witness();
  cleanUp.push(() => source.stop());
  source.start(witness);
  return witness;
}

function dial(port: number, options: Partial<OutboundPbxOptions> = {}) {
  const url = `ws://127.0.0.1:${port}/pbx1`;
  const pbx = new OutboundPbx({ url, username: "pbx1", password: "secret", reconnectMillis: 50, ...options });
  cleanUp.push(() => pbx[Symbol.dispose]());
  return pbx;
}

/** The events without what Asterisk says about the application. */
function calls(witness: Witness): string[] {
  return witness.texts.filter((text) => !text.includes("ApplicationRegistered"));
}

/** Sends a request as it is, and returns what comes back until the connection is closed. */
function exchange(port: number, request: string): Promise<string> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("close", () => done(text));
    socket.on("error", () => done(text));
  });
}

function upgrade(path: string, credentials: string): string {
  return [
    `GET ${path} HTTP/1.1`,
    "Host: bridge",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    `Authorization: Basic ${Buffer.from(credentials).toString("base64")}`,
    "\r\n",
  ].join("\r\n");
}

describe("an outbound ARI source", () => {
  it("hands over what a PBX sends that dials the bridge, as it came and in order", async () => {
    const { listener, port } = await listen();
    const witness = follow(listener.source(PBX1));
    const pbx = dial(port);
    await witness.waitFor("up");
    for (const event of EVENTS) pbx.emit(event);
    await witness.waitFor("event", EVENTS.length + 1);
    expect(calls(witness)).toEqual(EVENTS);
    expect(witness.happenings.slice(0, 2)).toMatchObject([
      {
        kind: "up",
        pbx: { startedAtEpochMillis: Date.parse("2026-11-23T07:59:41.000Z"), systemName: "pbx1" },
      },
      { kind: "event" },
    ]);
    expect(witness.texts[0]).toContain('"ApplicationRegistered"');
  });

  it("tells PBXs apart by path and user", async () => {
    const { listener, port } = await listen();
    const sources = [
      PBX1,
      { path: "/pbx1", username: "pbx2", password: "two" },
      { path: "/pbx3", username: "pbx1", password: "three" },
    ];
    const witnesses = sources.map((access) => follow(listener.source(access)));
    for (const [index, { path, username, password }] of sources.entries())
      dial(port, { url: `ws://127.0.0.1:${port}${path}?x=1`, username, password }).emit(
        `{"type":"Hello","index":${index}}`,
      );
    for (const witness of witnesses) await witness.waitFor("event", 2);
    expect(witnesses.map((witness) => calls(witness))).toEqual(
      sources.map((_, index) => [`{"type":"Hello","index":${index}}`]),
    );
  });

  it("refuses two PBXs with the same path and user", async () => {
    const { listener } = await listen();
    listener.source(PBX1);
    expect(() => listener.source({ ...PBX1, password: "other" })).toThrow(RangeError);
  });

  it("answers wrong paths, users and passwords with a bare status, and slows down who fails often", async () => {
    const { listener, port } = await listen();
    const witness = follow(listener.source(PBX1));
    const statusOf = async (path: string, credentials: string) =>
      (await exchange(port, upgrade(path, credentials))).split("\r\n");
    expect(await statusOf("/other", "pbx1:secret")).toEqual([
      "HTTP/1.1 404 Not Found",
      "Connection: close",
      "Content-Length: 0",
      "",
      "",
    ]);
    expect((await statusOf("/pbx1", "nobody:secret"))[0]).toBe("HTTP/1.1 401 Unauthorized");
    expect((await exchange(port, upgrade("/pbx1", "").replace(/Authorization.*\r\n/, ""))).slice(0, 12)).toBe(
      "HTTP/1.1 401",
    );
    for (let attempt = 0; attempt < 20; attempt += 1)
      expect((await statusOf("/pbx1", "pbx1:wrong"))[0]).toBe("HTTP/1.1 401 Unauthorized");
    expect((await statusOf("/pbx1", "pbx1:secret"))[0]).toBe("HTTP/1.1 429 Too Many Requests");
    expect(witness.happenings).toEqual([]);
  });

  it("refuses a PBX whose source does not run, and lets it in when it does", async () => {
    const { listener, port } = await listen();
    const source = listener.source(PBX1);
    const pbx = dial(port);
    await eventually("a refusal", () => pbx.failures.includes("503"));
    pbx.emit('{"type":"Queued"}');
    const witness = follow(source);
    await witness.waitFor("event", 3);
    expect(witness.texts[1]).toBe('{"type":"Queued"}');
  });

  it("answers the handshake in far less than Asterisk waits, also while it reads a flood", async () => {
    const { listener, port } = await listen();
    const witness = follow(listener.source(PBX1));
    follow(listener.source({ path: "/pbx2", username: "pbx2", password: "secret" }));
    const pbx = dial(port);
    await witness.waitFor("up");
    const took: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      for (const event of EVENTS) pbx.emit(event);
      const startedAt = performance.now();
      using other = new OutboundPbx({
        url: `ws://127.0.0.1:${port}/pbx2`,
        username: "pbx2",
        password: "secret",
      });
      await new Promise<void>((done) => {
        const look = () => (other.isConnected ? done() : setImmediate(look));
        look();
      });
      took.push(performance.now() - startedAt);
    }
    // The fastest: the PBXs run in this thread too, and the machine may be busy. Waiting for anything would slow all.
    expect(Math.min(...took)).toBeLessThan(50);
  });

  it("gets the backlog of an outage in order", async () => {
    const { listener, port } = await listen();
    const witness = follow(listener.source(PBX1));
    const pbx = dial(port);
    await witness.waitFor("up");
    for (const event of EVENTS.slice(0, 100)) pbx.emit(event);
    await witness.waitFor("event", 101);
    pbx.cut();
    for (const event of EVENTS.slice(100)) pbx.emit(event);
    await witness.waitFor("up", 2);
    await witness.waitFor("event", EVENTS.length + 2);
    expect(calls(witness)).toEqual(EVENTS);
    expect(witness.texts.at(-1)).toContain('"ApplicationRegistered"');
    expect(witness.course).toEqual(["up", "down", "up"]);
  });

  it("hands over a backlog that is too large to hold before the PBX has said who it is", async () => {
    const { listener, port } = await listen();
    const source = listener.source(PBX1);
    const pbx = dial(port);
    await eventually("a refusal", () => pbx.failures.length > 0);
    const events = Array.from({ length: 9_000 }, (_, index) =>
      JSON.stringify({ type: "Filled", index, filling: "x".repeat(1_000) }),
    );
    for (const event of events) pbx.emit(event);
    const witness = follow(source);
    await witness.waitFor("up");
    await witness.waitFor("event", events.length + 2);
    expect(calls(witness)).toEqual(events);
    expect(witness.happenings[0]?.kind).toBe("event");
  });

  it("hands over an old socket's late events before those of the new one", async () => {
    const { listener, port } = await listen();
    const witness = follow(listener.source(PBX1));
    const pbx = dial(port);
    await witness.waitFor("up");
    pbx.emit('{"type":"Old","n":1}');
    await witness.waitFor("event", 2);
    pbx.dialBeside();
    pbx.emit('{"type":"New","n":3}');
    await eventually("a second connection", () => pbx.isConnected);
    pbx.sendOnOld('{"type":"Old","n":2}');
    pbx.closeOld();
    await witness.waitFor("up", 2);
    await eventually("all events", () => calls(witness).length === 3);
    expect(calls(witness)).toEqual(['{"type":"Old","n":1}', '{"type":"Old","n":2}', '{"type":"New","n":3}']);
    expect(witness.course).toEqual(["up", "down", "up"]);
  });

  it("waits a second at most for an old socket, and then hands over both as they come", async () => {
    const { listener, port } = await listen();
    const witness = follow(listener.source(PBX1));
    const pbx = dial(port);
    await witness.waitFor("up");
    pbx.dialBeside();
    await eventually("a second connection", () => pbx.isConnected);
    pbx.emit('{"type":"New","n":1}');
    await witness.waitFor("up", 2);
    pbx.sendOnOld('{"type":"Old","n":1}');
    await eventually("both", () => calls(witness).length === 2);
    pbx.emit('{"type":"New","n":2}');
    await eventually("all events", () => calls(witness).length === 3);
    expect(calls(witness)).toEqual(['{"type":"New","n":1}', '{"type":"Old","n":1}', '{"type":"New","n":2}']);
    pbx.closeOld();
    pbx.emit('{"type":"New","n":3}');
    await eventually("the last event", () => calls(witness).length === 4);
    expect(witness.course).toEqual(["up", "down", "up"]);
  });

  it("hands over what an old socket held for want of an identity before the events of the new one", async () => {
    const { listener, port } = await listen();
    const witness = follow(listener.source(PBX1));
    const pbx = dial(port);
    pbx.isDeaf = true;
    await eventually("a connection", () => pbx.isConnected);
    pbx.emit('{"type":"Old"}');
    pbx.dialBeside();
    pbx.isDeaf = false;
    pbx.emit('{"type":"New"}');
    await witness.waitFor("up");
    await eventually("all events", () => calls(witness).length === 2);
    expect(calls(witness)).toEqual(['{"type":"Old"}', '{"type":"New"}']);
  });

  it("bears no more than four connections of one PBX", async () => {
    const { listener, port } = await listen();
    const witness = follow(listener.source(PBX1));
    const pbx = dial(port);
    await witness.waitFor("up");
    for (let count = 0; count < 5; count += 1) {
      pbx.dialBeside();
      await eventually("a connection", () => pbx.isConnected);
    }
    pbx.emit('{"type":"Newest"}');
    await eventually("the event", () => calls(witness).length === 1);
    expect(witness.losses.length).toBeGreaterThan(0);
  });

  it("asks over the same socket what the PBX has now, and the answers are no events", async () => {
    const { listener, port } = await listen();
    const source = listener.source(PBX1);
    const witness = follow(source);
    const pbx = dial(port);
    await witness.waitFor("up");
    for (const event of EVENTS.slice(0, 100)) pbx.emit(event);
    const state = await source.state(AbortSignal.timeout(5_000));
    expect(state.channels).toEqual([...pbx.state.channels.values()]);
    expect(state.bridges).toEqual([...pbx.state.bridges.values()]);
    expect(state.endpoints).toEqual(pbx.state.endpoints);
    expect(calls(witness)).toEqual(EVENTS.slice(0, 100));
  });

  it("says which line is missing when the PBX may not be asked", async () => {
    const { listener, port } = await listen();
    const witness = follow(listener.source(PBX1));
    const pbx = dial(port);
    pbx.refusal = 401;
    await witness.waitFor("failed", 2);
    expect(witness.losses[0]).toMatchObject({
      code: "credentials",
      message: expect.stringContaining("local_ari_user"),
    });
    pbx.refusal = undefined;
    await witness.waitFor("up");
  });

  it("cuts every socket of a PBX at once, and the PBX dials again", async () => {
    const { listener, port } = await listen();
    const source = listener.source(PBX1);
    const witness = follow(source);
    const pbx = dial(port);
    await witness.waitFor("up");
    pbx.dialBeside();
    await eventually("a second connection", () => pbx.isConnected);
    witness.onEvent = () => {
      witness.onEvent = () => undefined;
      source.cut("reader-too-slow");
    };
    for (const event of EVENTS) pbx.sendOnOld(event);
    await witness.waitFor("down");
    await witness.waitFor("up", 2);
    expect(calls(witness)).toEqual(EVENTS.slice(0, 1));
    expect(witness.losses[0]).toMatchObject({ code: "reader-too-slow" });
  });

  it("stops when another client takes the application", async () => {
    const { listener, port } = await listen();
    const witness = follow(listener.source(PBX1, "relay"));
    const pbx = dial(port);
    await witness.waitFor("up");
    pbx.emit('{"type":"ApplicationReplaced","application":"relay"}');
    await witness.waitFor("taken");
    expect(witness.course).toEqual(["up", "down", "taken"]);
    await eventually("a refusal", () => pbx.failures.includes("503"));
  });

  it("hands over what was delivered before it stops", async () => {
    const { listener, port } = await listen();
    const source = listener.source(PBX1);
    const witness = follow(source);
    const pbx = dial(port);
    await witness.waitFor("up");
    for (const event of EVENTS) pbx.emit(event);
    await source.stop();
    expect(calls(witness)).toEqual(EVENTS);
    expect(witness.losses).toMatchObject([{ code: "stopped" }]);
  });

  it("notices a PBX that is gone without a word", async () => {
    const { listener, port } = await listen({ life: { everyMillis: 50, limitMillis: 300 } });
    const witness = follow(listener.source(PBX1));
    await using network = await FaultyNetwork.start(port);
    dial(port, { url: `ws://127.0.0.1:${network.port}/pbx1` });
    await witness.waitFor("up");
    network.stop();
    await witness.waitFor("down");
    expect(witness.losses[0]).toMatchObject({ code: "timeout" });
  });

  it("listens with TLS", async () => {
    const tls = await certificate();
    const { listener, port } = await listen({ tls });
    const witness = follow(listener.source(PBX1));
    dial(port, { url: `wss://127.0.0.1:${port}/pbx1`, ca: tls.cert });
    await witness.waitFor("up");
  });
});
