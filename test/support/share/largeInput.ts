import { createHash } from "node:crypto";
import type { NewSession } from "../../../client/index.ts";
import type { RelayApi } from "../relayApi.ts";

/** Something that a user made large. `toString` is what a failed run shows. */
export interface LargeInput {
  /** Builds what is sent, so that building it does not delay the neighbour. */
  build(): (relay: RelayApi) => Promise<void>;
  toString(): string;
}

/** The feed of the user who makes things large. */
export const FEED = "large";

/** Calls at once: the embedded database works on one at a time, for everybody. */
const AT_ONCE = 5;

const LONGEST_CALL_MILLIS = 10_000;

export function largeInput(name: string, facts: object, build: LargeInput["build"]): LargeInput {
  return { build, toString: () => `${name} ${JSON.stringify(facts)}` };
}

/** Waits for all calls. A call may be refused, cut or too slow: here only the neighbour counts. */
export async function settled(calls: readonly Promise<unknown>[]): Promise<void> {
  const tooSlow = new Promise((resolve) => setTimeout(resolve, LONGEST_CALL_MILLIS).unref());
  await Promise.race([Promise.allSettled(calls), tooSlow]);
}

/** Creates the sessions, does something, and deletes those that were created. */
export async function withSessions(
  relay: RelayApi,
  wanted: readonly NewSession[],
  work: () => Promise<void>,
): Promise<void> {
  const created: PromiseSettledResult<{ id: string }>[] = [];
  for (let from = 0; from < wanted.length; from += AT_ONCE)
    created.push(
      ...(await Promise.allSettled(
        wanted.slice(from, from + AT_ONCE).map((each) => relay.createSession(each)),
      )),
    );
  try {
    await work();
  } finally {
    const ids = created.flatMap((each) => (each.status === "fulfilled" ? [each.value.id] : []));
    for (let from = 0; from < ids.length; from += AT_ONCE)
      await settled(ids.slice(from, from + AT_ONCE).map((id) => relay.deleteSession(id)));
  }
}

/** Letters a to k that do not repeat: an automaton finds no state in them again. */
export function hardText(length: number, seed: number): string {
  let text = "";
  for (let block = 0; text.length < length; block += 1) {
    const digest = createHash("sha512").update(`${seed} ${block}`).digest();
    for (const byte of digest) text += "abcdefghijk"[byte % 11];
  }
  return text.slice(0, length);
}
