import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bridge } from "../../bridge/bridge.ts";
import type { AriOptions } from "../../bridge/sources/ari/ariSource.ts";
import { RelayCallError, type RelayClient } from "../../client/index.ts";
import { type Clock, systemClock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { callLine } from "./callLines.ts";

const LOOK_EVERY_MILLIS = 500;
/** However busy the PBX is, a look takes so much. */
const LOOK_MOST_MESSAGES = 500;
const SPOOL_LIMITS = { maxBytes: 256 * 2 ** 20, maxAgeMillis: 86_400_000, policy: "drop-oldest" } as const;

export interface LocalBridgeOptions {
  readonly ari: AriOptions;
  readonly feed: string;
  readonly relay: { readonly url: string; readonly apiKey: string };
  readonly client: RelayClient;
  /** Where the relay keeps its data; undefined when everything ends with this process. */
  readonly dataDirectory: string | undefined;
  readonly stopping: AbortSignal;
  readonly clock?: Clock;
  print(line: string): void;
}

/** Brings a real Asterisk into the local relay, and shows its calls, until `stopping` aborts. */
export async function runLocalBridge(options: LocalBridgeOptions): Promise<void> {
  const { ari, feed, relay, client, dataDirectory, stopping, clock = systemClock, print } = options;
  await using cleanUp = new AsyncDisposableStack();
  const directory = dataDirectory
    ? join(dataDirectory, "bridge")
    : await mkdtemp(join(tmpdir(), "stasis-relay-bridge-"));
  if (!dataDirectory) cleanUp.defer(() => rm(directory, { recursive: true, force: true }));
  const from = await nextIn(client, feed);
  const bridge = await Bridge.start(
    {
      relay: { url: relay.url, key: relay.apiKey },
      spool: { directory, limits: SPOOL_LIMITS },
      outside: { host: "127.0.0.1", port: 0 },
      listen: undefined,
      pbxs: [{ feed, main: { kind: "ari", ari }, rest: undefined }],
    },
    { clock, log: printedLog(print), newId: randomUUID },
  );
  cleanUp.defer(() => bridge.stop());
  await showCalls({ client, feed, from, stopping, clock, print });
}

async function showCalls(
  options: Pick<LocalBridgeOptions, "client" | "feed" | "stopping" | "print"> & {
    readonly from: number;
    readonly clock: Clock;
  },
): Promise<void> {
  const { client, feed, stopping, clock, print } = options;
  for (let from = options.from; !stopping.aborted; ) {
    try {
      const { messages, next } = await client.messages(feed, { from, limit: LOOK_MOST_MESSAGES });
      for (const message of messages) {
        const line = "event" in message ? callLine(message) : undefined;
        if (line !== undefined) print(`${feed}: ${line}`);
      }
      from = next;
    } catch (error) {
      // Before the first event there is no feed, and a relay that stops answers nobody.
      if (!(error instanceof RelayCallError)) throw error;
    }
    await clock.sleep(LOOK_EVERY_MILLIS, stopping);
  }
}

/** What comes after the feed's last message; 1 for a new feed. */
async function nextIn(client: RelayClient, feed: string): Promise<number> {
  try {
    return (await client.feed(feed)).tail + 1;
  } catch (error) {
    if (error instanceof RelayCallError && error.status === 404) return 1;
    throw error;
  }
}

function printedLog(print: (line: string) => void): Log {
  const at =
    (prefix: string) =>
    (message: string, facts: Record<string, unknown> = {}) => {
      const { feed = "bridge", ...others } = facts;
      const details = Object.entries(others).map(([name, value]) => ` ${name}=${String(value)}`);
      print(`${String(feed)}: ${prefix}${message}${details.join("")}`);
    };
  return { info: at(""), warn: at("warning: "), error: at("error: ") };
}
