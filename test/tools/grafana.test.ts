import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { LoopDelay } from "../../bridge/outside/loopDelay.ts";
import { startOutsideServer } from "../../bridge/outside/server.ts";
import { metricLine } from "../../gateway/metricLine.ts";
import { gatewayMetrics, metricDimensions } from "../../shared/runtime/metricNames.ts";
import { ariConfig, bridgeConfig, TestBridge, TestDirectory } from "../bridge/testBridge.ts";
import { AriPbx } from "../support/asterisk/ariPbx.ts";
import { TestRelay } from "../support/testRelay.ts";

/* A dashboard whose metric was renamed shows an empty graph and no error. */

const dashboard = z.object({
  title: z.string(),
  templating: z.object({ list: z.array(z.object({ query: z.unknown() })) }),
  panels: z
    .array(
      z.object({
        title: z.string(),
        gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
        targets: z
          .array(
            z.object({
              expr: z.string().optional(),
              metricName: z.string().optional(),
              dimensions: z.record(z.string(), z.string()).optional(),
            }),
          )
          .min(1),
      }),
    )
    .min(1),
});

function read(name: string) {
  const text = readFileSync(new URL(`../../packaging/grafana/${name}.json`, import.meta.url), "utf8");
  return dashboard.parse(JSON.parse(text));
}

describe("the bridge's dashboard", () => {
  const { panels, templating } = read("bridge");
  const texts = [
    ...panels.flatMap(({ targets }) => targets.map(({ expr = "" }) => expr)),
    ...templating.list.map(({ query }) => JSON.stringify(query)),
  ];
  const named = new Set(texts.flatMap((text) => text.match(/stasis_relay_bridge_\w+/g) ?? []));

  it("asks for every metric that a bridge has, and for no other", async () => {
    using directory = new TestDirectory();
    await using relay = await TestRelay.start();
    await using pbx = await AriPbx.start();
    const config = bridgeConfig(relay.relay, directory, [ariConfig("office", pbx)]);
    await using bridge = await TestBridge.start(config);
    using loopDelay = new LoopDelay();
    const server = await startOutsideServer({
      ...config.outside,
      nowEpochMillis: Date.now,
      loopDelays: () => loopDelay.seconds(),
      statuses: () => bridge.bridge.statuses(),
    });
    const scraped = await (await fetch(`${server.url}/metrics`)).text();
    await server.close();
    const exposed = [...scraped.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
    expect([...named].sort()).toEqual(exposed.sort());
  });

  it("counts with rates what only grows", () => {
    const counters = texts.filter((text) => /_total\b/.test(text));
    expect(counters.filter((text) => !/\b(rate|increase)\(/.test(text))).toEqual([]);
  });
});

describe("the gateway's dashboard", () => {
  const targets = read("gateway").panels.flatMap((panel) => panel.targets);

  it("asks for every metric that a gateway's line has, under its dimensions", () => {
    const line = JSON.parse(metricLine("stage", { GatewayConnections: 1, GatewayCertificateDays: 90 }, 0));
    const [{ Metrics, Dimensions }] = line._aws.CloudWatchMetrics;
    const exposed = Metrics.map(({ Name }: { Name: string }) => Name);
    expect(exposed.sort()).toEqual(Object.keys(gatewayMetrics).sort());
    expect([...new Set(targets.map(({ metricName }) => metricName))].sort()).toEqual(exposed);
    expect(Dimensions).toEqual([[metricDimensions.function]]);
    for (const { dimensions } of targets)
      expect(dimensions).toEqual({ [metricDimensions.function]: line[metricDimensions.function] });
  });
});

it.each(["bridge", "gateway"])("no two panels of %s overlap, and none is wider than the screen", (name) => {
  const places = read(name).panels.map(({ gridPos }) => gridPos);
  for (const { x, w } of places) expect(x + w).toBeLessThanOrEqual(24);
  expect(new Set(places.map(({ x, y }) => `${x} ${y}`)).size).toBe(places.length);
});
