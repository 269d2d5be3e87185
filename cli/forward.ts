import { networkCodeOf } from "./networkCode.ts";
import { plain } from "./output/plain.ts";
import { signatureOf } from "./webhookSignature.ts";

/** As long as the relay waits. */
const ANSWER_MILLIS = 15_000;

export interface Delivery {
  readonly isAccepted: boolean;
  /** The status, or why there is none. */
  readonly answer: string;
  readonly durationMillis: number;
}

/** Posts a signed request once (Standard Webhooks). Never throws: a failure is an answer too. */
export async function deliver({
  url,
  secret,
  id,
  body,
  signal,
  nowEpochMillis,
}: {
  readonly url: string;
  readonly secret: string;
  readonly id: string;
  readonly body: string;
  readonly signal: AbortSignal;
  readonly nowEpochMillis: number;
}): Promise<Delivery> {
  const beganAtMillis = performance.now();
  const done = (isAccepted: boolean, answer: string): Delivery => ({
    isAccepted,
    answer,
    durationMillis: Math.round(performance.now() - beganAtMillis),
  });
  const timestamp = String(Math.floor(nowEpochMillis / 1000));
  try {
    const response = await fetch(url, {
      method: "POST",
      redirect: "manual",
      headers: {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": `v1,${signatureOf(secret, id, timestamp, body).toString("base64")}`,
      },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MILLIS)]),
    });
    // The answer's body is nobody's business; unread, it would hold the connection.
    await response.body?.cancel();
    return done(response.ok, String(response.status));
  } catch (error) {
    return done(false, whyNoAnswer(error));
  }
}

function whyNoAnswer(error: unknown): string {
  const code = networkCodeOf(error);
  if (code === "ECONNREFUSED") return "nobody listens there";
  if (code !== undefined) return code;
  if (error instanceof Error && error.name === "TimeoutError")
    return `no answer in ${ANSWER_MILLIS / 1000} s`;
  return plain(error instanceof Error ? error.message : String(error));
}
