import { expect } from "vitest";
import { type ChainLink, type ChainState, checkLink } from "../../client/index.ts";

/** Each batch says which number was sent before it: the chain must not break. */
export function expectUnbroken(bodies: readonly ChainLink[], start: number): void {
  let state: ChainState = { last: start, epoch: 0 };
  for (const body of bodies) {
    const step = checkLink(state, body);
    expect(step).toMatchObject({ kind: "next" });
    state = step.state;
  }
}

/** The texts of the events in a body, cut out of it: what a subscriber gets byte for byte. */
export function eventTexts(body: string): string[] {
  return [...body.matchAll(/"event":(.*?)\}(?=,\{"sequence":|\]\}$)/gs)].map(([, text]) => text ?? "");
}
