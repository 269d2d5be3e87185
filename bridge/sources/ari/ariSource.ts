import { WebSocket } from "ws";
import type { Link, LinkEvents } from "../link.ts";
import { ReadingTurns } from "../readingTurns.ts";
import { ReconnectingSource, type ReconnectOptions } from "../reconnectingSource.ts";
import { systemRuntime } from "../runtime.ts";
import { lossOf } from "../sourceError.ts";
import { type TlsTrust, tlsOptions } from "../tlsTrust.ts";
import { LIFE_TIMES, type LifeTimes, watchLife } from "../webSocketLife.ts";
import { asOneLine, bytesOf } from "../webSocketText.ts";
import { type AriPeer, ariNetworkLoss, ariStatusLoss } from "./ariFailure.ts";
import { isReplaced } from "./ariMarks.ts";
import { AriRest } from "./ariRest.ts";
import { readIdentity, readState } from "./ariState.ts";
import { ariUrls } from "./ariUrls.ts";

/** Asterisk's largest events have some 10 KB. The relay accepts 128 KB. */
const MAX_EVENT_BYTES = 1024 * 1024;

const TIMED_OUT = Object.assign(new Error("the handshake timed out"), { code: "ETIMEDOUT" });

/** How long a closing handshake may take. */
const LEAVE_MILLIS = 2_000;

export interface AriOptions {
  /** The PBX's web server, see `ariUrls`. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** An application of its own, which no dialplan names: Asterisk gives an application's events to one client only. */
  readonly app: string;
  /** Event types that the PBX leaves out. Needs a user that may write. Other applications' filters are not touched. */
  readonly disallowedTypes?: readonly string[];
  readonly tls?: TlsTrust;
  readonly maxEventBytes?: number;
  /** For connecting, and for each request. */
  readonly timeoutMillis?: number;
  readonly life?: LifeTimes;
}

/**
 * ARI over a WebSocket that the bridge opens (`/ari/events`).
 * @throws TypeError when the address is none
 */
export function ariSource(options: AriOptions, reconnect: ReconnectOptions = {}): ReconnectingSource {
  const { username, password, app, tls = {}, timeoutMillis = 10_000 } = options;
  const urls = ariUrls(options.url, app);
  const peer: AriPeer = { host: urls.rest.host, username, app };
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const rest = new AriRest({ base: urls.rest, peer, authorization, tls, timeoutMillis });
  const { now } = reconnect.runtime ?? systemRuntime;
  const parts = { ...options, timeoutMillis, tls, events: urls.events, peer, authorization, rest, now };
  return new ReconnectingSource((events) => openLink(parts, events), reconnect);
}

interface LinkParts extends AriOptions {
  readonly events: URL;
  readonly peer: AriPeer;
  readonly authorization: string;
  readonly rest: AriRest;
  readonly tls: TlsTrust;
  readonly timeoutMillis: number;
  now(): number;
}

function openLink(parts: LinkParts, events: LinkEvents): Link {
  const { app, disallowedTypes = [], peer, rest, timeoutMillis, now } = parts;
  const ended = new AbortController();
  const socket = new WebSocket(parts.events, {
    headers: { authorization: parts.authorization },
    maxPayload: parts.maxEventBytes ?? MAX_EVENT_BYTES,
    perMessageDeflate: false,
    // What is no UTF-8 is for the relay to refuse, event by event. It is no reason to lose the link.
    skipUTF8Validation: true,
    ...tlsOptions(parts.tls),
  });

  const turns = new ReadingTurns(socket);

  const destroy = () => {
    ended.abort();
    socket.terminate();
  };
  const lose = (loss: Parameters<LinkEvents["lost"]>[0]) => {
    if (ended.signal.aborted) return;
    destroy();
    events.lost(loss);
  };

  /** The application is registered now. Its filter died with the last connection, so it is set at every one. */
  const subscribe = async () => {
    const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(timeoutMillis)]);
    if (disallowedTypes.length > 0) {
      const filter = { disallowed: disallowedTypes.map((type) => ({ type })) };
      await rest.put(`applications/${encodeURIComponent(app)}/eventFilter`, filter, signal);
    }
    return readIdentity((path, each) => rest.get(path, each), signal);
  };

  const handshakeLimit = setTimeout(() => lose(ariNetworkLoss(TIMED_OUT, peer)), timeoutMillis);
  ended.signal.addEventListener("abort", () => clearTimeout(handshakeLimit));
  socket.on("open", () => {
    clearTimeout(handshakeLimit);
    watchLife(socket, parts.life ?? LIFE_TIMES, () =>
      lose({ code: "timeout", message: `${peer.host} answers no pings: the connection is dead` }),
    );
    subscribe().then(events.up, (error: unknown) => lose(lossOf(error)));
  });
  socket.on("message", (data, isBinary) => {
    if (ended.signal.aborted) return;
    if (isBinary)
      return lose({ code: "protocol", message: `${peer.host} sends binary frames, which ARI does not` });
    const bytes = bytesOf(data);
    turns.read(bytes.length);
    const event = asOneLine(bytes);
    if (event === undefined) return;
    events.event("stasis", event);
    if (isReplaced(event, app)) events.takenOver();
  });
  socket.on("unexpected-response", (request, response) => {
    request.destroy();
    lose(ariStatusLoss(response.statusCode ?? 0, peer));
  });
  socket.on("error", (error) => lose(ariNetworkLoss(error, peer)));
  socket.on("close", (code) =>
    lose({ code: "closed", message: `${peer.host} closed the connection (WebSocket code ${code})` }),
  );

  return {
    state: (signal) =>
      readState((path, each) => rest.get(path, each), AbortSignal.any([signal, ended.signal]), now),
    leave: () =>
      new Promise((left) => {
        const limit = setTimeout(() => socket.terminate(), LEAVE_MILLIS);
        socket.once("close", () => {
          clearTimeout(limit);
          left();
        });
        socket.close(1000);
      }),
    destroy,
  };
}
