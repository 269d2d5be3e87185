import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { isLoopbackHost, isLoopbackName } from "../../shared/http/hosts.ts";
import type { LoopDelays } from "./loopDelay.ts";
import { metricsText } from "./metrics.ts";
import { isReady, type PbxStatus, troublesOf } from "./status.ts";

export interface OutsideOptions {
  readonly host: string;
  readonly port: number;
  readonly nowEpochMillis: () => number;
  statuses(): readonly PbxStatus[];
  loopDelays(): LoopDelays;
}

export interface OutsideServer {
  readonly url: string;
  close(): Promise<void>;
}

const ABOUT = `stasis-relay-bridge: brings the events of Asterisk PBXs into a relay.

/ready    200 when the events of every PBX reach the relay, otherwise 503; JSON says why
/metrics  Prometheus
`;

/** What a machine's own monitoring asks. It tells no secrets and takes no orders, and listens on loopback by default. */
export async function startOutsideServer(options: OutsideOptions): Promise<OutsideServer> {
  const server = createServer(async (request, response) => {
    const answer = (status: number, type: string, body: string) =>
      response.writeHead(status, { "content-type": type }).end(request.method === "HEAD" ? undefined : body);
    // A page in a browser on this machine could ask too, by a name of its own that leads here.
    if (isLoopbackName(options.host) && !isLoopbackHost(request.headers.host))
      return answer(403, "text/plain", "the Host is not this machine's\n");
    const path = request.url?.split("?")[0];
    if (request.method !== "GET" && request.method !== "HEAD") return answer(405, "text/plain", "GET only\n");
    if (path === "/") return answer(200, "text/plain", ABOUT);
    if (path === "/ready") {
      const body = readiness(options.statuses());
      return answer(body.ready ? 200 : 503, "application/json", `${JSON.stringify(body)}\n`);
    }
    if (path !== "/metrics") return answer(404, "text/plain", ABOUT);
    const text = await metricsText(options.statuses(), options.loopDelays(), options.nowEpochMillis());
    return answer(200, "text/plain; version=0.0.4; charset=utf-8", text);
  });
  server.listen(options.port, options.host);
  await once(server, "listening");
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function readiness(statuses: readonly PbxStatus[]) {
  const feeds = statuses.map((status) => ({
    feed: status.feed,
    ready: isReady(status),
    link: status.link,
    waiting: status.spool.records,
    troubles: troublesOf(status),
  }));
  return { ready: feeds.length > 0 && feeds.every(({ ready }) => ready), feeds };
}
