import type { LinkLoss } from "../../source.ts";
import { networkLossCode } from "../networkLoss.ts";

/** What Asterisk answers to a request over its own WebSocket. */
export function outboundStatusLoss(status: number, pbx: string): LinkLoss {
  if (status === 401 || status === 403)
    return {
      code: status === 401 ? "credentials" : "forbidden",
      message: `${pbx} answers ${status} to a request over its WebSocket (ari.conf: the section with type=outbound_websocket needs local_ari_user, and that user a section with type=user; read_only=yes is enough)`,
    };
  return { code: "protocol", message: `${pbx} answers ${status} to a request over its WebSocket` };
}

/** What a failure of the WebSocket means. */
export function outboundNetworkLoss(error: Error, pbx: string): LinkLoss {
  const code = networkLossCode(error);
  if (code === "too-large")
    return { code, message: `${pbx} sent a message that is larger than the bridge accepts` };
  if (code === "closed") return { code, message: `${pbx} cut its WebSocket` };
  return { code, message: `${pbx} does not speak ARI's protocol: ${error.message}` };
}
