import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../local/freePort.ts";
import { AriPbx } from "../support/asterisk/ariPbx.ts";
import { BridgeProcess } from "../support/bridgeProcess.ts";
import { eventually } from "../support/eventually.ts";
import { TestRelay } from "../support/testRelay.ts";
import { TestDirectory } from "./testBridge.ts";

let relay: TestRelay;

beforeAll(async () => {
  relay = await TestRelay.start();
});
afterAll(() => relay[Symbol.asyncDispose]());

function configFile(directory: TestDirectory, outsidePort: number, pbxs: Record<string, string>): string {
  const path = join(directory.path, "bridge.yaml");
  const entries = Object.entries(pbxs).map(
    ([feed, url]) =>
      `  - { feed: ${feed}, ari: { url: "${url}", user: ari, password: { env: ARI_PASSWORD } } }`,
  );
  writeFileSync(
    path,
    `relay: { url: "${relay.relay.url}", key: { env: RELAY_KEY } }
spool: { directory: ${join(directory.path, "spool")} }
outside: { listen: "127.0.0.1:${outsidePort}" }
pbxs:
${entries.join("\n")}
`,
  );
  return path;
}

describe("the bridge's process", () => {
  it("logs JSON, is ready, reads its file again on SIGHUP, and ends cleanly on SIGTERM", async () => {
    using directory = new TestDirectory();
    await using one = await AriPbx.start();
    await using two = await AriPbx.start();
    const port = await freePort();
    const config = configFile(directory, port, { p1: one.url });
    await using bridge = new BridgeProcess(config);
    await bridge.until("connected to the PBX");
    const ready = async () => {
      const body: unknown = await (await fetch(`http://127.0.0.1:${port}/ready`)).json();
      return body as { ready: boolean; feeds: { feed: string }[] };
    };
    expect(await ready()).toMatchObject({ ready: true, feeds: [{ feed: "p1" }] });

    configFile(directory, port, { p1: one.url, p2: two.url });
    bridge.child.kill("SIGHUP");
    await bridge.until("the configuration was read again");
    await eventually("both", async () => (await ready()).feeds.length === 2);
    expect(one.requests.filter((request) => request.startsWith("WS"))).toHaveLength(1);

    writeFileSync(config, "relay: nothing");
    bridge.child.kill("SIGHUP");
    await bridge.until("the configuration was not taken; the bridge goes on as it was");
    expect(await ready()).toMatchObject({ feeds: [{ feed: "p1" }, { feed: "p2" }] });

    two.emit(JSON.stringify({ type: "ChannelUserevent", n: 1 }));
    await eventually("the event", async () => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return text.includes('received_total{feed="p2"} 1');
    });
    bridge.child.kill("SIGTERM");
    expect(await bridge.ended).toEqual([0, null]);
    const { json } = await relay.expectCall(200, "GET", "/v1/feeds/p2/messages");
    expect(json.messages.map(({ type }: { type: string }) => type)).toContain("ChannelUserevent");
    expect(bridge.output).not.toContain("secret");
  });

  it("that is killed again and again brings every event once, or a gap", async () => {
    using directory = new TestDirectory();
    await using pbx = await AriPbx.start();
    const config = configFile(directory, await freePort(), { killed: pbx.url });
    let sent = 0;
    for (let kill = 0; kill < 4; kill += 1) {
      await using bridge = new BridgeProcess(config);
      await bridge.until("connected to the PBX");
      for (let n = 0; n < 200; n += 1) pbx.emit(JSON.stringify({ type: "ChannelUserevent", n: ++sent }));
      if (kill % 2 === 0) await eventually("some", async () => (await numbers()).length > 0);
    }
    await using bridge = new BridgeProcess(config);
    await bridge.until("connected to the PBX");
    pbx.emit(JSON.stringify({ type: "ChannelUserevent", n: ++sent }));
    await eventually("the last one", async () => (await numbers()).includes(sent));
    const got = await numbers();
    expect(got).toEqual([...new Set(got)].sort((a, b) => a - b));
    const missing = Array.from({ length: sent }, (_, n) => n + 1).filter((n) => !got.includes(n));
    const gaps = (await messages()).filter(({ type }) => type === "RelayGap");
    // A bridge that was killed before it stored its own gap leaves a longer one to the next.
    expect(gaps.length).toBeGreaterThanOrEqual(2);
    expect(gaps.length).toBeLessThanOrEqual(4);
    expect(gaps.every(({ event }) => event.reason === "link" && event.code === "bridge-down")).toBe(true);
    for (const n of missing) expect(isInAGap(await messages(), n)).toBe(true);
    // Five processes are started one after the other.
  }, 60_000);

  async function messages() {
    const all: { type: string; event: Record<string, unknown> }[] = [];
    for (let from = 1; ; from += 1_000) {
      const answer = await relay.call("GET", `/v1/feeds/killed/messages?limit=1000&from=${from}`);
      const page = answer.json?.messages ?? [];
      all.push(...page);
      if (page.length < 1_000) return all;
    }
  }

  const numbers = async () =>
    (await messages()).filter(({ type }) => type === "ChannelUserevent").map(({ event }) => Number(event.n));

  /** Whether a gap stands between the last event before a missing one and the first after it. */
  function isInAGap(all: readonly { type: string; event: Record<string, unknown> }[], n: number): boolean {
    const after = all.findIndex(({ type, event }) => type === "ChannelUserevent" && Number(event.n) > n);
    const before = all.findLastIndex(({ type, event }) => type === "ChannelUserevent" && Number(event.n) < n);
    return all.slice(before + 1, after).some(({ type }) => type === "RelayGap");
  }

  it("says what is wrong with its configuration, and exits with 1", async () => {
    using directory = new TestDirectory();
    const config = configFile(directory, 1, { "a b": "ftp://x" });
    await using bridge = new BridgeProcess(config);
    expect(await bridge.ended).toEqual([1, null]);
    expect(bridge.output.trimEnd().split("\n")).toEqual([
      "bridge.yaml:5: pbxs[0].feed must be 1 to 64 letters, digits, dots, hyphens or underscores",
      "bridge.yaml:5: pbxs[0].ari.url must be an address that begins with http:// or https://, without a user or password in it",
    ]);
  });

  it("says which secret is missing", async () => {
    using directory = new TestDirectory();
    const config = configFile(directory, 1, { p: "http://127.0.0.1:1" });
    await using bridge = new BridgeProcess(config, { ARI_PASSWORD: "" });
    expect(await bridge.ended).toEqual([1, null]);
    expect(bridge.output).toBe("p: ari.password: the environment variable ARI_PASSWORD is not set\n");
  });

  it("says that the port for metrics is taken", async () => {
    using directory = new TestDirectory();
    await using pbx = await AriPbx.start();
    const config = configFile(directory, pbx.port, { p: pbx.url });
    await using bridge = new BridgeProcess(config);
    expect(await bridge.ended).toEqual([1, null]);
    expect(bridge.output).toContain(`127.0.0.1:${pbx.port}`);
  });
});
