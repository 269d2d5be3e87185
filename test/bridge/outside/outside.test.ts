import { request } from "node:http";
import { describe, expect, it } from "vitest";
import { bridgeLog } from "../../../bridge/outside/log.ts";
import { LoopDelay } from "../../../bridge/outside/loopDelay.ts";
import { startOutsideServer } from "../../../bridge/outside/server.ts";
import { isReady, type PbxStatus, troublesOf } from "../../../bridge/outside/status.ts";
import { systemd } from "../../../bridge/outside/systemd.ts";
import { silentLog } from "../../../shared/runtime/log.ts";
import { eventually } from "../../support/eventually.ts";

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
    startOutsideServer({
      host: "127.0.0.1",
      port: 0,
      nowEpochMillis: () => NOW,
      statuses,
      loopDelays: () =>
        new Map([
          [0.5, 0.001],
          [0.99, 0.012],
          [1, 0.25],
        ]),
    });

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
      'event_loop_delay_seconds{quantile="0.5"} 0.001',
      'event_loop_delay_seconds{quantile="0.99"} 0.012',
      'event_loop_delay_seconds{quantile="1"} 0.25',
    ])
      expect(lines).toContain(`stasis_relay_bridge_${line}`);
    await server.close();
  });

  it("on loopback answers to this machine's names only, so that no page in a browser reads it by a name of its own", async () => {
    const server = await serve(() => [healthy]);
    const statusFor = (host: string) =>
      new Promise((resolve, reject) => {
        const asked = request(`${server.url}/metrics`, { headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        asked.once("error", reject).end();
      });
    for (const host of ["127.0.0.1:9465", "localhost:9465", "[::1]:9465", "pbx.localhost"])
      expect([host, await statusFor(host)]).toEqual([host, 200]);
    for (const host of ["evil.example:9465", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1"])
      expect([host, await statusFor(host)]).toEqual([host, 403]);
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

describe("the event loop's delay", () => {
  it("is how late timers were, without the time between them", async () => {
    using delay = new LoopDelay();
    await eventually("a delay of what this holds the loop up", () => {
      const busyUntil = performance.now() + 300;
      while (performance.now() < busyUntil);
      return (delay.seconds().get(1) ?? 0) > 0.27;
    });
    expect(delay.seconds().get(1)).toBeLessThan(10);
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
  /** What systemd is told, by a run that ends when the test says so. */
  function systemdOf(environment: Record<string, string> = {}, log = silentLog) {
    const told: string[][] = [];
    const runs: ((error?: Error) => void)[] = [];
    const notify = systemd({ NOTIFY_SOCKET: "/run/x", ...environment }, log, (assignments) => {
      told.push([...assignments]);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      runs.push((error) => (error === undefined ? resolve() : reject(error)));
      return promise;
    });
    return { notify, told, runs };
  }

  it("hears of each change after the one before, because each has a process of its own", async () => {
    const { notify, told, runs } = systemdOf();
    notify.ready();
    notify.reloading();
    notify.ready();
    notify.stopping();
    for (let change = 1; change <= 4; change += 1) {
      await eventually("the change", () => runs.length === change);
      expect(told).toHaveLength(change);
      runs[change - 1]?.();
    }
    expect(told).toEqual([
      ["READY=1", "STATUS=running"],
      [
        "RELOADING=1",
        expect.stringMatching(/^MONOTONIC_USEC=\d+$/),
        "STATUS=reading the configuration again",
      ],
      ["READY=1", "STATUS=running"],
      ["STOPPING=1", "STATUS=shipping what is spooled"],
    ]);
  });

  it("hears that the process lives three times as often as the unit asks", async () => {
    const { notify, told, runs } = systemdOf({ WATCHDOG_USEC: "3000000" });
    const begunAt = performance.now();
    await eventually("the first sign", () => runs.length === 1);
    expect(performance.now() - begunAt).toBeGreaterThan(950);
    expect(told).toEqual([["WATCHDOG=1"]]);
    notify[Symbol.dispose]();
  });

  it("is not told anything where it does not run", () => {
    const notify = systemd({}, silentLog, () => expect.unreachable("nobody listens"));
    notify.ready();
    notify.stopping();
  });

  it("that cannot be told is warned of once, and told of the next change", async () => {
    const warnings: string[] = [];
    const log = { ...silentLog, warn: (message: string) => warnings.push(message) };
    const { notify, runs } = systemdOf({}, log);
    notify.ready();
    notify.stopping();
    await eventually("the first", () => runs.length === 1);
    runs[0]?.(new Error("ENOENT"));
    await eventually("the second", () => runs.length === 2);
    runs[1]?.(new Error("ENOENT"));
    await eventually("the warning", () => warnings.length > 0);
    expect(warnings).toHaveLength(1);
  });
});
