import type { Browser } from "playwright-core";
import { eventually } from "../../support/eventually.ts";
import type { RelayApi } from "../../support/relayApi.ts";
import { TestRelay } from "../../support/testRelay.ts";
import { WebhookReceiver } from "../../support/webhookReceiver.ts";
import { startBrowser } from "./browser.ts";

/** What people look at: sessions in every state on one feed, producers with a gap, and a feed beside it. */
export interface Scene {
  readonly feed: string;
  readonly healthy: string;
  readonly failing: string;
  readonly paused: string;
  readonly amiUser: string;
}

const CHANNEL = {
  id: "1732348824.17",
  name: "PJSIP/alice-00000011",
  state: "Ring",
  caller: { name: "Alice", number: "100" },
};

/** Events of a call, as Asterisk sends them. */
export function callEvents(count: number, from = 1): object[] {
  const types = [
    "ChannelCreated",
    "ChannelStateChange",
    "ChannelDialplan",
    "ChannelEnteredBridge",
    "ChannelDestroyed",
  ];
  return Array.from({ length: count }, (_, index) => ({
    type: types[index % types.length],
    timestamp: "2026-11-23T08:00:24.396+0000",
    application: "relay",
    asterisk_id: "00:16:3e:5e:6c:31",
    number: from + index,
    channel: CHANNEL,
  }));
}

/** The scene in a relay of its own, and a browser to look at it. */
export interface OpenScene extends AsyncDisposable {
  readonly relay: TestRelay;
  readonly receiver: WebhookReceiver;
  readonly browser: Browser;
  readonly scene: Scene;
}

export async function openScene(): Promise<OpenScene> {
  await using parts = new AsyncDisposableStack();
  const relay = parts.use(await TestRelay.start({ RELAY_SEGMENT_SIZE: "50" }));
  const receiver = parts.use(await WebhookReceiver.start());
  const browser = parts.adopt(await startBrowser(), (each) => each.close());
  const scene = await buildScene(relay, receiver);
  const open = parts.move();
  return { relay, receiver, browser, scene, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

async function buildScene(relay: RelayApi, receiver: WebhookReceiver): Promise<Scene> {
  const feed = "pbx-berlin";
  receiver.answer = ({ path }) => ({ status: path === "/broken" ? 500 : 204 });
  const webhook = (path: string) => ({ feed, url: receiver.url(path), from: 1 });
  await relay.append(feed, callEvents(50), { producer: "bridge-berlin", position: 1 });
  const healthy = await relay.createSession(webhook("/wallboard"));
  const failing = await relay.createSession({
    ...webhook("/broken"),
    filter: { types: ["ChannelDestroyed"] },
  });
  const paused = await relay.createSession(webhook("/recorder"));
  await relay.changeSession(paused.id, { state: "paused", next: 20 });
  const amiUser = await relay.createSession({ feed, kind: "ami", username: "wallboard", resume: true });
  await relay.append(feed, callEvents(200, 51), { producer: "bridge-berlin", position: 51 });
  await relay.append("pbx-munich", callEvents(30), { producer: "bridge-munich", position: 1 });
  await eventually("the failing session backs off", async () => {
    const { state } = await relay.session(failing.id);
    return state === "backoff";
  });
  await eventually("the healthy session has all", async () => {
    const { lagMessages } = await relay.session(healthy.id);
    return lagMessages === 0;
  });
  return { feed, healthy: healthy.id, failing: failing.id, paused: paused.id, amiUser: amiUser.id };
}
