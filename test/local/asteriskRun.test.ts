import { describe, expect, it } from "vitest";
import { freePort } from "../../local/freePort.ts";
import { AriPbx } from "../support/asterisk/ariPbx.ts";
import { recordedStasis } from "../support/asterisk/recordings.ts";
import { eventually } from "../support/eventually.ts";
import { RelayProcess } from "../support/relayProcess.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";

const start = async (url: string, ...more: string[]) =>
  RelayProcess.start(await freePort(), {}, ["--asterisk", url, "--feed", "office", ...more]);
const addressOf = ({ url }: AriPbx, password = "secret") => url.replace("//", `//ari:${password}@`);

/** Of several attempts, because a busy machine delays some. */
const ATTEMPTS = 5;

describe("npm start -- --asterisk", { timeout: 120_000 }, () => {
  it("brings a PBX's calls to a webhook within a second, and to the terminal", async () => {
    await using pbx = await AriPbx.start();
    await using receiver = await WebhookReceiver.start();
    await using relay = await start(addressOf(pbx), "--no-replay");
    await eventually("the link", () => relay.output.includes("office: connected to the PBX"));
    await relay.client.createSession({ feed: "office", url: receiver.url("/calls") });
    const arrived = (mark: string) =>
      eventually(mark, () => receiver.requests("/calls").some(({ text }) => text.includes(mark)));

    const millis: number[] = [];
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const mark = `attempt-${attempt}`;
      const sentAt = performance.now();
      pbx.emit(JSON.stringify({ type: "ChannelUserevent", eventname: mark, userevent: {} }));
      await arrived(mark);
      millis.push(performance.now() - sentAt);
    }
    expect(Math.min(...millis)).toBeLessThan(1_000);

    const events = recordedStasis("calls-mixed");
    for (const event of events) pbx.emit(event);
    pbx.emit(JSON.stringify({ type: "ChannelUserevent", eventname: "the last", userevent: {} }));
    await arrived("the last");
    await eventually("a call", () => /office: \d\d:\d\d:\d\d new call /.test(relay.output));
    const types = receiver.requests("/calls").flatMap(({ body }) => body.messages.map(({ type }) => type));
    expect(types.filter((type) => type === "ChannelCreated")).toHaveLength(
      events.filter((event) => JSON.parse(event).type === "ChannelCreated").length,
    );
    // Without the demo there is no other feed.
    await expect(relay.client.feed("demo")).rejects.toMatchObject({ status: 404 });
    expect(await relay.end("SIGINT")).toBe(0);
  });

  it("says where the password is wrong, and goes on", async () => {
    await using pbx = await AriPbx.start();
    await using relay = await start(addressOf(pbx, "wrong"), "--no-replay");
    const said = "the PBX at 127.0.0.1:";
    await eventually("the message", () => relay.output.includes(said));
    expect(relay.output).toContain("refuses the user 'ari' (ari.conf: section [ari]");
    expect(relay.output).not.toContain("wrong");
    await eventually("another attempt", () => pbx.requests.length > 2);
    expect(relay.output.split(said)).toHaveLength(2);
    expect(await relay.client.isHealthy()).toBe(true);
    expect(await relay.end("SIGINT")).toBe(0);
  });

  it("also plays the demo, unless told not to", async () => {
    await using pbx = await AriPbx.start();
    await using relay = await start(addressOf(pbx));
    await eventually("the link", () => relay.output.includes("office: connected to the PBX"));
    await eventually("the demo's feed", () =>
      relay.client.feed("demo").then(
        ({ tail }) => tail > 0,
        () => false,
      ),
    );
    expect(await relay.end("SIGINT")).toBe(0);
  });
});
