import { describe, expect, it } from "vitest";
import { bridgeLog } from "../../../bridge/outside/log.ts";
import { startOutsideServer } from "../../../bridge/outside/server.ts";
import { isReady, type PbxStatus, troublesOf } from "../../../bridge/outside/status.ts";
import { systemd } from "../../../bridge/outside/systemd.ts";
import { silentLog } from "../../../shared/runtime/log.ts";

const NOW = Date.parse("2026-11-27T08:00:00.000Z");

const healthy: PbxStatus = {
  feed: "pbx-1",
  link: "up",
  linkTrouble: undefined,
  restLink: undefined,
  restTrouble: undefined,
  spoolTrouble: undefined,
  relayTrouble: undefined,
  counts: { received: 7, spooled: 9, shipped: 5, refused: 1, dropped: 0, reconnects: 2, gaps: { link: 2 } },
  spool: { records: 3, bytes: 1_200, oldestReceivedAtEpochMillis: NOW - 4_500 },
};

describe("a PBX", () => {
  it.each<[string, Partial<PbxStatus>, string]>([
    ["is not connected yet", { link: "down" }, "not connected yet"],
    ["refuses the user", { link: "down", linkTrouble: "ari.conf: …" }, "ari.conf: …"],
    ["was taken over", { link: "taken-over" }, "another client has taken the ARI application"],
    ["has no Manager", { restLink: "down", restTrouble: "manager.conf: …" }, "manager.conf: …"],
    ["has a full disk", { spoolTrouble: "the disk is full" }, "the disk is full"],
    ["has no relay", { relayTrouble: "the relay is away" }, "the relay is away"],
  ])("that %s is not ready, and says why", (_what, change, trouble) => {
    const status = { ...healthy, ...change };
    expect(isReady(status)).toBe(false);
    expect(troublesOf(status)).toEqual([trouble]);
  });

  it("whose events reach the relay is ready", () => {
    expect(isReady(healthy)).toBe(true);
    expect(troublesOf(healthy)).toEqual([]);
  });
});

describe("the server for monitoring", () => {
  const serve = (statuses: () => PbxStatus[]) =>
    startOutsideServer({ host: "127.0.0.1", port: 0, nowEpochMillis: () => NOW, statuses });

  it("is ready when every PBX is", async () => {
    let statuses = [healthy, { ...healthy, feed: "pbx-2", link: "down" as const }];
    const server = await serve(() => statuses);
    const ask = async () => {
      const answer = await fetch(`${server.url}/ready`);
      return { status: answer.status, body: await answer.json() };
    };
    expect(await ask()).toEqual({
      status: 503,
      body: {
        ready: false,
        feeds: [
          { feed: "pbx-1", ready: true, link: "up", waiting: 3, troubles: [] },
          { feed: "pbx-2", ready: false, link: "down", waiting: 3, troubles: ["not connected yet"] },
        ],
      },
    });
    statuses = [healthy];
    expect(await ask()).toMatchObject({ status: 200, body: { ready: true } });
    await server.close();
  });

  it("has metrics with the feed as label", async () => {
    const server = await serve(() => [healthy, { ...healthy, feed: "pbx-2", link: "taken-over" }]);
    const answer = await fetch(`${server.url}/metrics`);
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const lines = (await answer.text()).split("\n");
    for (const line of [
      'received_total{feed="pbx-1"} 7',
      'spooled_total{feed="pbx-1"} 9',
      'shipped_total{feed="pbx-1"} 5',
      'refused_total{feed="pbx-1"} 1',
      'dropped_total{feed="pbx-1"} 0',
      'reconnects_total{feed="pbx-1"} 2',
      'gaps_total{feed="pbx-1",reason="link"} 2',
      'link_up{feed="pbx-1"} 1',
      'link_up{feed="pbx-2"} 0',
      'taken_over{feed="pbx-2"} 1',
      'relay_up{feed="pbx-1"} 1',
      'spool_up{feed="pbx-1"} 1',
      'lag_records{feed="pbx-1"} 3',
      'spool_bytes{feed="pbx-1"} 1200',
      'spool_oldest_age_seconds{feed="pbx-1"} 4.5',
    ])
      expect(lines).toContain(`stasis_relay_bridge_${line}`);
    await server.close();
  });

  it("says what it is, and takes no orders", async () => {
    const server = await serve(() => [healthy]);
    expect(await (await fetch(server.url)).text()).toContain("/metrics");
    expect((await fetch(`${server.url}/else`)).status).toBe(404);
    expect((await fetch(`${server.url}/ready`, { method: "POST" })).status).toBe(405);
    await server.close();
  });
});

describe("the log", () => {
  it("is JSON for machines and lines for people", () => {
    const written: string[] = [];
    const write = (line: string) => written.push(line);
    for (const form of ["json", "lines"] as const)
      bridgeLog({ form, nowEpochMillis: () => NOW, write }).warn("the link is lost", {
        feed: "pbx-1",
        error: new TypeError("why"),
        seconds: 3,
      });
    expect(JSON.parse(written[0] ?? "")).toEqual({
      time: "2026-11-27T08:00:00.000Z",
      level: "warn",
      message: "the link is lost",
      feed: "pbx-1",
      error: "TypeError: why",
      seconds: 3,
    });
    expect(written[1]).toBe("08:00:00 warn  the link is lost feed=pbx-1 error=TypeError: why seconds=3");
  });
});

describe("systemd", () => {
  it("hears when the bridge is ready and when it stops", () => {
    const told: string[] = [];
    const notify = systemd({ NOTIFY_SOCKET: "/run/x" }, silentLog, (lines) => told.push(...lines));
    notify.ready();
    notify.stopping();
    expect(told).toEqual(["READY=1", "STOPPING=1", "STATUS=shipping what is spooled"]);
  });

  it("is not told anything where it does not run", () => {
    const notify = systemd({}, silentLog, () => expect.unreachable("nobody listens"));
    notify.ready();
    notify.stopping();
  });

  it("that cannot be told is warned of once", () => {
    const warnings: string[] = [];
    const log = { ...silentLog, warn: (message: string) => warnings.push(message) };
    const notify = systemd({ NOTIFY_SOCKET: "/run/x" }, log, (_, whenFailed) =>
      whenFailed(new Error("ENOENT")),
    );
    notify.ready();
    notify.stopping();
    expect(warnings).toHaveLength(1);
  });
});
