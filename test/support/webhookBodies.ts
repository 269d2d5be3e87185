import { expect } from "vitest";
import { type ChainLink, type ChainState, checkLink } from "../../client/index.ts";
import type { WebhookBody } from "../../shared/webhook/body.ts";

/** A body of this text, not compressed. */
export function plainBody(text: string): WebhookBody {
  const bytes = Buffer.from(text);
  return { json: [bytes], sent: bytes, encoding: undefined };
}

/** The text that is signed. */
export function jsonOf({ json }: WebhookBody): string {
  return Buffer.concat(json).toString("utf8");
}

/** Checks that each batch's `previous` is the last number of the batch before it. */
export function expectUnbroken(bodies: readonly ChainLink[], start: number): void {
  let state: ChainState = { last: start, epoch: 0 };
  for (const body of bodies) {
    const step = checkLink(state, body);
    expect(step).toMatchObject({ kind: "next" });
    state = step.state;
  }
}

/** The raw texts of the events in a body, byte for byte as a subscriber gets them. */
export function eventTexts(body: string): string[] {
  return [...body.matchAll(/"event":(.*?)\}(?=,\{"sequence":|\]\}$)/gs)].map(([, text]) => text ?? "");
}
