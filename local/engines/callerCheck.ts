import type { IncomingMessage } from "node:http";
import { isLoopbackHost } from "../../shared/http/hosts.ts";

/** Headers that browsers add to what a page sends, and AWS clients never do. */
const BROWSER_HEADERS = ["origin", "sec-fetch-site", "sec-fetch-mode", "access-control-request-method"];

/**
 * Why a request to an engine is refused before its body is read; undefined when an AWS client may have sent it. Both
 * services take `POST /` alone, so everything else that an engine would serve (S3, a dashboard) is refused as well.
 */
export function refusalOf(
  request: Pick<IncomingMessage, "method" | "url" | "headers">,
  targetPrefix: string,
): string | undefined {
  const { method, url, headers } = request;
  if (BROWSER_HEADERS.some((name) => headers[name] !== undefined)) return "requests of web pages are refused";
  if (!isLoopbackHost(headers.host)) return "the Host is not this machine's";
  if (method !== "POST" || url !== "/") return "only POST / is served";
  if (!String(headers["x-amz-target"] ?? "").startsWith(targetPrefix)) return "this service is not served";
  return undefined;
}

/** As AWS words it, so that an AWS client shows it to a person. */
export function refusalBody(reason: string): string {
  return JSON.stringify({
    __type: "com.amazon.coral.service#UnrecognizedClientException",
    message: `The embedded engine answers only to its own relay: ${reason}.`,
  });
}
