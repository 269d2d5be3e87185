import { expect } from "vitest";

/** Each batch says which number was sent before it: the chain must not break. */
export function expectUnbroken(
  bodies: readonly { first: number; last: number; previous: number }[],
  start: number,
): void {
  let previous = start;
  for (const body of bodies) {
    expect(body.previous).toBe(previous);
    previous = body.last;
  }
}

/** The texts of the events in a body, cut out of it: what a subscriber gets byte for byte. */
export function eventTexts(body: string): string[] {
  return [...body.matchAll(/"event":(.*?)\}(?=,\{"sequence":|\]\}$)/gs)].map(([, text]) => text ?? "");
}
