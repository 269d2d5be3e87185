import { RelayCallError } from "../../client/relayCallError.ts";
import type { RelayClient } from "../../client/relayClient.ts";
import type { Finding } from "./finding.ts";

type Client = Pick<RelayClient, "appendBody" | "listSessions">;

/**
 * Whether the relay takes this key's events for a feed. The request holds no events, so nothing is appended: a relay
 * that would take some says that there are none.
 */
export async function checkRelay(client: Client, url: string, feed: string): Promise<Finding> {
  const subject = `relay, feed ${feed}`;
  const startedAt = performance.now();
  const failure = await failureOf(
    client.appendBody(feed, { format: "stasis", bytes: new Uint8Array(new ArrayBuffer(0)) }),
  );
  const roundTrip = `${Math.round(performance.now() - startedAt)} ms`;
  if (failure?.code !== "body.empty")
    return { subject, verdict: "wrong", detail: relayTrouble(failure, url, feed), facts: [["relay", url]] };
  const role = await roleOf(client);
  return {
    subject,
    verdict: "ok",
    detail: `${url} takes this key's events`,
    facts: [
      ["relay", url],
      ["round trip", roundTrip],
      ["key", role === "manager" ? "may manage the relay" : "may append to this feed", ...roleAdvice(role)],
    ],
  };
}

function relayTrouble(failure: RelayCallError | undefined, url: string, feed: string): string {
  if (failure?.status === 401) return `${url} does not know the key (relay.key)`;
  if (failure?.status === 403)
    return `${url}: the key may not append to the feed ${feed}: it needs the role producer and this feed (relay.key)`;
  if (failure === undefined || (failure.status !== undefined && !failure.retryable))
    return `what answers at ${url} is not a relay (relay.url): ${failure?.detail ?? "it took a request without events"}`;
  return `${url} does not answer as a relay (relay.url): ${failure.detail}`;
}

async function roleOf(client: Client): Promise<"manager" | "producer"> {
  const sessions = client.listSessions(1);
  return (await failureOf(sessions.next())) === undefined ? "manager" : "producer";
}

function roleAdvice(role: "manager" | "producer"): [] | [string] {
  return role === "manager" ? ["a bridge needs no more than the role producer for its feeds"] : [];
}

async function failureOf(call: Promise<unknown>): Promise<RelayCallError | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (error instanceof RelayCallError) return error;
    throw error;
  }
}
