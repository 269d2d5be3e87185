import { randomBytes } from "node:crypto";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { LinkLoss } from "../../source.ts";
import type { Link, LinkEvents } from "../link.ts";
import { ReadingTurns } from "../readingTurns.ts";
import { ReconnectingSource, type ReconnectOptions } from "../reconnectingSource.ts";
import { systemRuntime } from "../runtime.ts";
import { lossOf, SourceError } from "../sourceError.ts";
import { type TlsTrust, tlsOptions } from "../tlsTrust.ts";
import { LIFE_TIMES, type LifeTimes } from "../webSocketLife.ts";
import { AmiActions } from "./amiActions.ts";
import { AmiFields, isEvent } from "./amiBlock.ts";
import type { StartClues } from "./amiEpoch.ts";
import { type AmiPeer, amiClosedLoss, amiNetworkLoss } from "./amiFailure.ts";
import { AmiFramer } from "./amiFramer.ts";
import { login } from "./amiLogin.ts";
import { ARI_HAS_FILTER, ariHas } from "./ariHas.ts";
import { type Manager, readAmiIdentity, readAmiState } from "./readAmiState.ts";

/** How long a goodbye may take. */
const LEAVE_MILLIS = 2_000;

export interface AmiOptions {
  readonly host: string;
  /** 5038, or 5039 with TLS, unless manager.conf says otherwise. */
  readonly port: number;
  readonly username: string;
  readonly secret: string;
  /** `not-in-ari`: only the events that ARI lacks, for a feed that has an ARI source too. */
  readonly select: "everything" | "not-in-ari";
  /** Present: over TLS. */
  readonly tls?: TlsTrust;
  /** For connecting and logging in, and for each question at the login. */
  readonly timeoutMillis?: number;
  /**
   * How often Manager is pinged. Events can wait in Asterisk until some input comes (a lost wake-up,
   * github.com/asterisk/asterisk/issues/2145), so this is also the longest delay.
   */
  readonly life?: LifeTimes;
}

/** Asterisk's Manager interface over TCP or TLS. Events are handed over as the bytes that came. */
export function amiSource(options: AmiOptions, reconnect: ReconnectOptions = {}): ReconnectingSource {
  const { now } = reconnect.runtime ?? systemRuntime;
  return new ReconnectingSource((events) => openLink(options, events, now), reconnect);
}

function connect({ host, port, tls }: AmiOptions): Socket {
  if (tls === undefined) return connectTcp({ host, port });
  return connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }), ...tlsOptions(tls) });
}

function openLink(options: AmiOptions, events: LinkEvents, now: () => number): Link {
  const { timeoutMillis = 10_000, life = LIFE_TIMES } = options;
  const peer: AmiPeer = { host: `${options.host}:${options.port}`, username: options.username };
  const socket = connect(options).setNoDelay(true);
  const ended = new AbortController();
  const framer = new AmiFramer();
  const turns = new ReadingTurns(socket);
  const actions = new AmiActions((text) => socket.write(text), `relay-${randomBytes(6).toString("hex")}-`);
  const isSelected = options.select === "everything" ? () => true : (event: Buffer) => !ariHas(event);
  let manager: Manager | undefined;
  let uptimeSeconds: number | undefined;
  let heardAt = performance.now();
  let isGreeted = false;

  const destroy = () => {
    ended.abort();
    clearInterval(pings);
    socket.destroy();
    actions.fail(new SourceError({ code: "closed", message: `the link to ${peer.host} is down` }));
  };
  const lose = (loss: LinkLoss) => {
    if (ended.signal.aborted) return;
    destroy();
    events.lost(loss);
  };
  const isSilent = () => performance.now() - heardAt > life.limitMillis;
  const pings = setInterval(() => {
    if (manager === undefined) return;
    actions.send("Ping").catch(() => undefined);
    // After a stop of this process itself, the answers may be waiting unread. They are read before this runs.
    setImmediate(() => {
      if (isSilent())
        lose({ code: "timeout", message: `${peer.host} answers no pings: the connection is dead` });
    });
  }, life.everyMillis);

  const begin = async (signal: AbortSignal): Promise<void> => {
    await login(actions, peer, options.secret, signal);
    if (options.select === "not-in-ari")
      // It saves traffic where the user may set filters (class system). Events are selected here as well.
      await actions.send("Filter", { Operation: "Add", Filter: ARI_HAS_FILTER }, signal);
    const clock = await readClock(actions, () => uptimeSeconds, signal);
    manager = { actions, peer, clock };
    events.up(await readAmiIdentity(manager, signal));
  };
  const limit = AbortSignal.any([ended.signal, AbortSignal.timeout(timeoutMillis)]);
  limit.addEventListener("abort", () => {
    if (!isGreeted) lose(amiNetworkLoss(limit.reason, peer));
  });

  const take = (block: Buffer) => {
    if (!isGreeted) {
      isGreeted = true;
      begin(limit).catch((error: unknown) => lose(lossOf(error)));
    } else if (!actions.take(block) && isEvent(block)) {
      uptimeSeconds ??= uptimeIn(block);
      if (isSelected(block)) events.event("ami", block);
    }
  };
  socket.on("data", (chunk) => {
    heardAt = performance.now();
    turns.read(chunk.length);
    try {
      for (const block of framer.feed(chunk)) {
        if (ended.signal.aborted) return;
        take(block);
      }
    } catch (error) {
      const { code, message } = lossOf(error);
      lose({ code, message: `${peer.host}: ${message}` });
    }
  });
  socket.on("error", (error) => lose(amiNetworkLoss(error, peer)));
  socket.on("close", () => lose(amiClosedLoss(peer, manager !== undefined)));

  return {
    state: async (signal) => {
      if (manager === undefined) throw new SourceError({ code: "closed", message: "the link is down" });
      return readAmiState(manager, signal, now);
    },
    leave: () =>
      new Promise((left) => {
        const over = setTimeout(() => socket.destroy(), LEAVE_MILLIS);
        socket.once("close", () => {
          clearTimeout(over);
          left();
        });
        actions.send("Logoff").catch(() => undefined);
      }),
    destroy,
  };
}

/** Manager tells its uptime after the login, and its clock with each ping. */
async function readClock(
  actions: AmiActions,
  uptimeSeconds: () => number | undefined,
  signal: AbortSignal,
): Promise<Pick<StartClues, "uptimeSeconds" | "pbxEpochMillis">> {
  const { response } = await actions.send("Ping", {}, signal);
  const seconds = Number(response.get("Timestamp"));
  return {
    uptimeSeconds: uptimeSeconds(),
    pbxEpochMillis: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined,
  };
}

const FULLY_BOOTED = Buffer.from("Event: FullyBooted\r\n");

function uptimeIn(event: Buffer): number | undefined {
  if (!event.subarray(0, FULLY_BOOTED.length).equals(FULLY_BOOTED)) return undefined;
  const text = new AmiFields(event).get("Uptime");
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
