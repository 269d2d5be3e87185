import * as z from "zod";
import { objectIn } from "../../shared/ami/json.ts";
import type { PbxState } from "../source.ts";
import { AriRest } from "../sources/ari/ariRest.ts";
import type { AriOptions } from "../sources/ari/ariSource.ts";
import { parseAsteriskTime } from "../sources/ari/ariTime.ts";
import { ariUrls } from "../sources/ari/ariUrls.ts";
import type { Fact } from "./finding.ts";

const LINKED_ID = "CHANNEL(linkedid)";
/** With the default of 100 ms a reader that pauses loses events without a sign (measured: 272 of 30,000). */
const ENOUGH_WRITE_MILLIS = 1_000;
const TIMEOUT_MILLIS = 10_000;

const pingSchema = z.object({ timestamp: z.string() });
const attributesSchema = z.array(z.object({ attribute: z.string(), value: z.string() }));

/** What Asterisk says of its own configuration, where it matters for loss. What it does not say is said to be unknown. */
export async function askAsterisk(ari: AriOptions, state: PbxState): Promise<Fact[]> {
  const urls = ariUrls(ari.url, ari.app);
  const rest = new AriRest({
    base: urls.rest,
    peer: { host: urls.rest.host, username: ari.username, app: ari.app },
    authorization: `Basic ${Buffer.from(`${ari.username}:${ari.password}`).toString("base64")}`,
    tls: ari.tls ?? {},
    timeoutMillis: TIMEOUT_MILLIS,
  });
  const get = async (path: string) =>
    rest.get(path, AbortSignal.timeout(TIMEOUT_MILLIS)).catch(() => undefined);
  const sentAt = Date.now();
  const ping = pingSchema.safeParse(await get("asterisk/ping"));
  const answeredAt = Date.now();
  // Asterisk 22 and later keep ari.conf where ARI can read it.
  const general = attributesSchema.safeParse(await get("asterisk/config/dynamic/res_ari/general/general"));
  const settings = new Map((general.data ?? []).map(({ attribute, value }) => [attribute, value]));
  return [
    clockFact(ping.data?.timestamp, sentAt, answeredAt),
    ["ARI's round trip", ping.success ? `${answeredAt - sentAt} ms` : "not told"],
    writeTimeoutFact(settings.get("websocket_write_timeout")),
    channelVariablesFact(settings.get("channelvars"), state),
  ];
}

function clockFact(timestamp: string | undefined, sentAt: number, answeredAt: number): Fact {
  const told = timestamp === undefined ? undefined : parseAsteriskTime(timestamp);
  if (told === undefined) return ["clock difference", "not told"];
  const millis = told - (sentAt + answeredAt) / 2;
  const text = `${(millis / 1000).toFixed(1)} s`;
  return Math.abs(millis) <= 2_000
    ? ["clock difference", text]
    : ["clock difference", text, `the PBX's clock differs by ${text}: run NTP on both machines`];
}

function writeTimeoutFact(text: string | undefined): Fact {
  const name = "websocket_write_timeout";
  if (text === undefined) return [name, "not told; set it to 1000 in ari.conf, [general]"];
  if (Number(text) >= ENOUGH_WRITE_MILLIS) return [name, `${text} ms`];
  return [name, `${text} ms`, `set websocket_write_timeout=${ENOUGH_WRITE_MILLIS} in ari.conf, [general]`];
}

function channelVariablesFact(setting: string | undefined, state: PbxState): Fact {
  const name = "channelvars";
  const advice = `set channelvars=${LINKED_ID} in ari.conf, [general]: without it the Linkedid is a guess`;
  if (setting !== undefined)
    return setting.includes(LINKED_ID) ? [name, setting] : [name, setting || "none", advice];
  const [channel] = state.channels;
  if (channel === undefined) return [name, "not told while there are no calls"];
  const variables = Object.keys(objectIn(channel, "channelvars") ?? {});
  return variables.includes(LINKED_ID)
    ? [name, variables.join(", ")]
    : [name, variables.join(", ") || "none", advice];
}
