import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkAll } from "../../bridge/check/checkAll.ts";
import type { Finding } from "../../bridge/check/finding.ts";
import { doctorLines, verdictLines } from "../../bridge/check/report.ts";
import type { Resolved } from "../../bridge/config/resolve.ts";
import { freePort } from "../../local/freePort.ts";
import { AriPbx } from "../support/asterisk/ariPbx.ts";
import { PbxStateOfTests } from "../support/asterisk/pbxState.ts";
import { TestRelay } from "../support/testRelay.ts";
import { ariConfig, bridgeConfig, TestDirectory } from "./testBridge.ts";

let relay: TestRelay;

beforeAll(async () => {
  relay = await TestRelay.start();
});
afterAll(() => relay[Symbol.asyncDispose]());

/** An Asterisk that tells what is in its ari.conf. */
class TellingState extends PbxStateOfTests {
  settings: Record<string, string> = { websocket_write_timeout: "1000", channelvars: "CHANNEL(linkedid)" };

  override ari(path: string): unknown {
    if (path === "asterisk/ping")
      return { ping: "pong", timestamp: new Date(this.nowEpochMillis).toISOString().replace("Z", "+0000") };
    if (path === "asterisk/config/dynamic/res_ari/general/general")
      return Object.entries(this.settings).map(([attribute, value]) => ({ attribute, value }));
    return super.ari(path);
  }
}

const verdicts = (findings: readonly Finding[]) => findings.map(({ verdict }) => verdict);
const only = (findings: readonly Finding[], subject: string) =>
  findings
    .filter((finding) => finding.subject.startsWith(subject))
    .map(({ verdict, detail }) => ({ verdict, detail }));

async function checked(
  change: (config: Resolved) => Resolved = (config) => config,
  state = new TellingState(),
) {
  using directory = new TestDirectory();
  await using pbx = await AriPbx.start({ state });
  const config = bridgeConfig(relay.relay, directory, [ariConfig("pbx-1", pbx)]);
  const findings = await checkAll(change(config), { dialInWithinMillis: 500 });
  return { findings, requests: pbx.requests };
}

describe("a check of the configuration", () => {
  it("finds nothing when all is well, and takes nothing from a bridge that runs", async () => {
    const { findings, requests } = await checked();
    expect(verdicts(findings)).toEqual(["ok", "ok", "ok"]);
    expect(requests.filter((request) => request.startsWith("WS"))).toEqual([
      "WS /ari/events?app=relay-pbx-1-check&subscribeAll=true",
    ]);
    expect((await relay.call("GET", "/v1/feeds/pbx-1/messages")).json?.messages ?? []).toEqual([]);
  });

  it("shows what it sees", async () => {
    const { findings } = await checked();
    const text = doctorLines(findings, false).join("\n");
    for (const [name, value] of [
      ["Asterisk", "23.5.0-rc1"],
      ["started", "2026-11-23T07:59:41.000Z"],
      ["system name", "pbx1"],
      ["entity id", "02:fc:00:00:00:01"],
      ["websocket_write_timeout", "1000 ms"],
      ["channelvars", "CHANNEL\\(linkedid\\)"],
      ["clock difference", "-?0\\.\\d s"],
      ["ARI's round trip", "\\d+ ms"],
      ["endpoints, device states", "2, 0"],
      ["in use by", "nobody"],
      ["key", "may manage the relay"],
    ])
      expect(text).toMatch(new RegExp(`^ {7}${name} +${value}`, "m"));
  });

  it("says which line of ari.conf does not let the user in", async () => {
    const { findings } = await checked((config) => ({
      ...config,
      pbxs: config.pbxs.map((pbx) =>
        pbx.main.kind === "ari"
          ? { ...pbx, main: { ...pbx.main, ari: { ...pbx.main.ari, password: "wrong" } } }
          : pbx,
      ),
    }));
    expect(only(findings, "PBX")).toEqual([
      { verdict: "wrong", detail: expect.stringContaining("ari.conf: section [ari]") },
    ]);
    expect(JSON.stringify(findings)).not.toContain('wrong","app');
    expect(verdictLines(findings, false)[0]).toMatch(/^WRONG {2}PBX of the feed pbx-1 {2}the PBX at /);
  });

  it("says which setting of http.conf to look at when nobody listens", async () => {
    const port = await freePort();
    const { findings } = await checked((config) => ({
      ...config,
      pbxs: [ariConfig("pbx-1", { url: `http://127.0.0.1:${port}` })],
    }));
    expect(only(findings, "PBX")).toEqual([
      { verdict: "wrong", detail: expect.stringContaining("http.conf") },
    ]);
  });

  it.each<[string, Partial<Resolved["relay"]>, string]>([
    ["a wrong key", { key: "wrong" }, "does not know the key (relay.key)"],
    ["no relay", { url: "http://127.0.0.1:1" }, "does not answer as a relay (relay.url)"],
  ])("says what is wrong with %s", async (_what, change, detail) => {
    const { findings } = await checked((config) => ({ ...config, relay: { ...config.relay, ...change } }));
    expect(only(findings, "relay")).toEqual([{ verdict: "wrong", detail: expect.stringContaining(detail) }]);
  });

  it("says that a PBX that should dial in has not", async () => {
    const port = await freePort();
    const access = { path: "/pbx-1", username: "u", password: "p" };
    const { findings } = await checked((config) => ({
      ...config,
      listen: { host: "127.0.0.1", port },
      pbxs: [{ feed: "pbx-1", main: { kind: "outbound", access, app: undefined }, rest: undefined }],
    }));
    expect(only(findings, "PBX")).toEqual([
      { verdict: "wrong", detail: expect.stringContaining("websocket_client.conf") },
    ]);
  });

  it("asks to look at settings that lose events or guess", async () => {
    const state = new TellingState();
    state.settings = { websocket_write_timeout: "100", channelvars: "" };
    state.clockAheadMillis = 60_000;
    const { findings } = await checked((config) => config, state);
    const [pbx] = only(findings, "PBX");
    expect(pbx?.verdict).toBe("warning");
    for (const advice of [
      "set websocket_write_timeout=1000 in ari.conf",
      "set channelvars=CHANNEL(linkedid) in ari.conf",
      "the PBX's clock differs by 60.0 s",
    ])
      expect(pbx?.detail).toContain(advice);
  });

  it("does without what Asterisk does not tell", async () => {
    const { findings } = await checked((config) => config, new PbxStateOfTests() as TellingState);
    expect(verdicts(findings)).toEqual(["ok", "ok", "ok"]);
    expect(doctorLines(findings, false).join("\n")).toMatch(/websocket_write_timeout +not told/);
  });

  it("says that the spool's directory is a file", async () => {
    const { findings } = await checked((config) => ({
      ...config,
      spool: { ...config.spool, directory: "/etc/hostname/spool" },
    }));
    expect(only(findings, "spool")).toEqual([
      { verdict: "wrong", detail: expect.stringContaining("cannot be written (spool.directory): ENOTDIR") },
    ]);
  });
});
