import { mkdirSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type ServerResponse } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { generate } from "selfsigned";
import { describe, expect, it } from "vitest";
import { freePort } from "../../local/freePort.ts";
import { AriPbx } from "../support/asterisk/ariPbx.ts";
import { certificate } from "../support/asterisk/certificate.ts";
import { listenLocally } from "../support/asterisk/listenLocally.ts";
import { ManagerPbx } from "../support/asterisk/managerPbx.ts";
import { BridgeProcess } from "../support/bridgeProcess.ts";
import { eventually } from "../support/eventually.ts";
import { TestRelay } from "../support/testRelay.ts";
import { ari, configFile, event, linesOf, megabytesOf, troublesOf } from "./oneProcess.ts";
import { TestDirectory } from "./testBridge.ts";

/** The bridge and the relay start several times here. */
const TIMEOUT = { timeout: 120_000 };

describe("a bridge between broken PBXs", TIMEOUT, () => {
  it("says once what is wrong with each, keeps its memory, and serves the one that works", async () => {
    using directory = new TestDirectory();
    await using relay = await TestRelay.start();
    const file = (name: string, text: string) => {
      const path = join(directory.path, name);
      writeFileSync(path, text);
      return path;
    };
    const own = await certificate();
    const { cert, private: key } = await generate([{ name: "commonName", value: "127.0.0.1" }], {
      notBeforeDate: new Date("2020-01-01"),
      notAfterDate: new Date("2021-01-01"),
      extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
    });
    await using fine = await AriPbx.start();
    await using expired = await AriPbx.start({ tls: { cert, key } });
    await using secure = await AriPbx.start({ tls: own });
    await using huge = await AriPbx.start();
    await using manager = await ManagerPbx.start();
    const garbage = createTcpServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.end("\u0000\u0001GARBAGE\r\n".repeat(1_000));
    });
    const garbagePort = await listenLocally(garbage, 0);
    const endless = Buffer.alloc(1024 * 1024, "x");
    const pbxs = [
      ari("fine", fine.url),
      `  - { feed: password, ari: { url: "${fine.url}", user: other, password: { env: ARI_PASSWORD } } }`,
      ari("away", `http://127.0.0.1:${await freePort()}`),
      ari("expired", expired.url, `, tls: { ca: "${file("expired.pem", cert)}" }`),
      ari("unknown", secure.url),
      ari(
        "name",
        secure.url.replace("127.0.0.1", "localhost"),
        `, tls: { ca: "${file("ca.pem", own.cert)}" }`,
      ),
      ari("garbage", `http://127.0.0.1:${garbagePort}`),
      ari("huge", huge.url),
      `  - { feed: endless, ami: { host: 127.0.0.1, port: ${manager.port}, user: bridge, secret: { env: ARI_PASSWORD } } }`,
    ];
    await using bridge = new BridgeProcess(configFile(directory, relay.relay.url, pbxs, await freePort()));
    await eventually("the links that work", () =>
      ["fine", "huge", "endless"].every((feed) =>
        linesOf(bridge, feed).some(({ message }) => message === "connected to the PBX"),
      ),
    );
    const before = megabytesOf(bridge);

    const header = Buffer.alloc(10);
    header.set([0x81, 127]);
    header.writeBigUInt64BE(100n * 1024n * 1024n, 2);
    huge.sendBytes(Buffer.concat([header, endless]));
    for (let megabytes = 0; megabytes < 20; megabytes += 1) manager.sendBytes(endless);
    fine.emit(event(1));
    await eventually("the event", async () => {
      const { json } = await relay.call("GET", "/v1/feeds/fine/messages?limit=100");
      return json?.messages?.some(({ type }: { type: string }) => type === "ChannelUserevent");
    });
    const feeds = ["password", "away", "expired", "unknown", "name", "garbage", "huge", "endless"];
    await eventually("a line for each", () => feeds.every((feed) => troublesOf(bridge, feed).length > 0));
    const said = Object.fromEntries(feeds.map((feed) => [feed, troublesOf(bridge, feed)[0]?.error ?? ""]));
    expect(said.password).toContain("refuses the user 'other' (ari.conf");
    expect(said.away).toContain("http.conf");
    expect(said.expired).toContain("has expired");
    expect(said.unknown).toContain("give the bridge the certificate's CA");
    expect(said.name).toContain("for another name");
    expect(said.garbage).toContain("does not speak");
    expect(said.huge).toContain("larger");
    expect(said.endless).toContain("more than");
    // Every one is tried again meanwhile, and one line stands for all attempts.
    await eventually(
      "more attempts",
      () => fine.requests.filter((request) => request.startsWith("WS")).length >= 4,
    );
    for (const feed of ["password", "away", "expired", "unknown", "name", "garbage"])
      expect(troublesOf(bridge, feed)).toHaveLength(1);
    expect(troublesOf(bridge, "fine")).toEqual([]);
    expect(megabytesOf(bridge) - before).toBeLessThan(80);
    expect(await bridge.end("SIGTERM")).toEqual([0, null]);
    garbage.close();
  });
});

const ANSWERS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  401: problem(401, "key.invalid"),
  403: problem(403, "key.forbidden"),
  409: problem(409, "producer.position-conflict"),
  413: problem(413, "body.too-large"),
  422: problem(422, "events.refused"),
  429: problem(429, "rate.limited", { "retry-after": "1" }),
  503: problem(503, "busy"),
  garbage: (response) => response.writeHead(202).end("<html>\u0000"),
  hangs: () => undefined,
};

function problem(status: number, code: string, headers: Record<string, string> = {}) {
  return (response: ServerResponse) =>
    response
      .writeHead(status, { "content-type": "application/problem+json", ...headers })
      .end(JSON.stringify({ status, code, title: code, detail: "as the test says" }));
}

describe("a bridge whose relay fails", TIMEOUT, () => {
  it("says once what the relay answers, keeps the events, and does not storm it", async () => {
    using directory = new TestDirectory();
    await using pbx = await AriPbx.start();
    const requests = new Map<string, number>();
    const server = createHttpServer((request, response) => {
      const feed = request.url?.split("/")[3] ?? "";
      requests.set(feed, (requests.get(feed) ?? 0) + 1);
      request.resume();
      ANSWERS[feed.slice("relay-".length)]?.(response);
    });
    const url = `http://127.0.0.1:${await listenLocally(server, 0)}`;
    const feeds = Object.keys(ANSWERS).map((answer) => `relay-${answer}`);
    const outside = await freePort();
    const pbxs = feeds.map((feed) => ari(feed, pbx.url));
    await using bridge = new BridgeProcess(configFile(directory, url, pbxs, outside));
    await eventually("every link", () => pbx.apps.length === feeds.length);
    for (let n = 1; n <= 100; n += 1) pbx.emit(event(n));
    const waiting = feeds.filter((feed) => feed !== "relay-hangs");
    await eventually("a line for each", () =>
      waiting.every((feed) =>
        troublesOf(bridge, feed).some(({ message }) => message.startsWith("the relay does not take events")),
      ),
    );
    const text = async () => (await fetch(`http://127.0.0.1:${outside}/metrics`)).text();
    await eventually("a second attempt of who may try", () => (requests.get("relay-503") ?? 0) > 1);
    const metrics = await text();
    for (const feed of feeds) {
      const records = new RegExp(`lag_records\\{feed="${feed}"\\} (\\d+)`).exec(metrics)?.[1];
      expect([feed, Number(records) >= 100]).toEqual([feed, true]);
      expect([feed, (requests.get(feed) ?? 0) < 30]).toEqual([feed, true]);
    }
    for (const feed of waiting) expect([feed, troublesOf(bridge, feed).length <= 2]).toEqual([feed, true]);
    expect(troublesOf(bridge, "relay-401")).toHaveLength(1);
    expect(troublesOf(bridge, "relay-503")).toHaveLength(1);
    expect(bridge.child.exitCode).toBeNull();
    server.closeAllConnections();
    server.close();
  });
});

describe("a bridge whose spool fails", TIMEOUT, () => {
  it("moves a damaged one aside, leaves a PBX out whose spool cannot be made, and runs", async () => {
    using directory = new TestDirectory();
    await using relay = await TestRelay.start();
    await using pbx = await AriPbx.start();
    const spools = join(directory.path, "spool");
    mkdirSync(spools);
    writeFileSync(join(spools, "damaged.spool"), "no database at all".repeat(1_000));
    mkdirSync(join(spools, "folder.spool"));
    const outside = await freePort();
    const pbxs = ["damaged", "folder"].map((feed) => ari(feed, pbx.url));
    await using bridge = new BridgeProcess(configFile(directory, relay.relay.url, pbxs, outside));
    await bridge.until("connected to the PBX");
    pbx.emit(event(1));
    const { messages } = await eventually("the event", async () => {
      const { json } = await relay.call("GET", "/v1/feeds/damaged/messages?limit=100");
      return json?.messages?.some(({ type }: { type: string }) => type === "ChannelUserevent") && json;
    });
    expect(messages[0].event).toMatchObject({ type: "RelayGap", reason: "spool-corrupt" });
    expect(troublesOf(bridge, "damaged").map(({ message }) => message)).toEqual([
      "the spool was damaged; it was moved aside",
    ]);
    expect(troublesOf(bridge, "folder").map(({ message }) => message)).toEqual([
      "this PBX cannot be started yet; the others run",
    ]);
    const ready = await fetch(`http://127.0.0.1:${outside}/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.text()).toContain("folder.spool");
    expect(await bridge.end("SIGTERM")).toEqual([0, null]);
  });
});
