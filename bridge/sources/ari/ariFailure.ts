import type { LinkLoss } from "../../source.ts";
import { networkLoss } from "../networkLoss.ts";

/** Whom the bridge talks to, for messages. */
export interface AriPeer {
  /** Host and port. */
  readonly host: string;
  readonly username: string;
  readonly app: string;
}

/** What Asterisk's web server answers in place of a WebSocket or a result. Asterisk: res/res_ari.c. */
export function ariStatusLoss(status: number, { host, username, app }: AriPeer, isWrite = false): LinkLoss {
  const section = `ari.conf: section [${username}]`;
  if (status === 401)
    return {
      code: "credentials",
      message: `the PBX at ${host} refuses the user '${username}' (${section}, type=user, password; then 'ari reload' or 'module reload res_ari.so')`,
    };
  if (status === 403)
    return {
      code: "forbidden",
      message: isWrite
        ? `the user '${username}' may only read, so the event filter cannot be set (${section}, read_only=no; or leave the filter out)`
        : `the PBX at ${host} forbids the user '${username}' access from this address (${section}, permit, deny, acl)`,
    };
  if (status === 404)
    return {
      code: "protocol",
      message: isWrite
        ? `the application '${app}' is not registered: another client may have taken it`
        : `the PBX at ${host} has no ARI at this path (ari.conf: [general] enabled=yes; http.conf: prefix; modules res_ari.so and res_ari_events.so must be loaded)`,
    };
  if (status === 503 || status === 502 || status === 504)
    return {
      code: "refused",
      message: `the PBX at ${host} answers ${status}: it is starting, has too many sessions (http.conf: sessionlimit), or a proxy cannot reach it`,
    };
  if (status >= 300 && status < 400)
    return {
      code: "protocol",
      message: `the server at ${host} answers ${status} and points elsewhere; the bridge follows no redirects: give it the address that is meant`,
    };
  return { code: "protocol", message: `the PBX at ${host} answers ${status}, which ARI does not` };
}

/** What a failure of the connection means. */
export function ariNetworkLoss(error: unknown, { host }: Pick<AriPeer, "host">): LinkLoss {
  return networkLoss(error, host, { name: "ARI", file: "http.conf", port: "bindport" });
}
