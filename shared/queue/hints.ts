import * as z from "zod";
import { FEED_NAME } from "./sequence.ts";

/**
 * The two SQS messages. They are hints: any may be lost, doubled, late or reordered. The receiver of a hint reads the
 * rows before it acts.
 */

const feed = z.string().regex(FEED_NAME);

/**
 * "The feed advanced": the messages from `first` up to but not including `next` were appended. `names` lists the names
 * of their pages. Without `names`, the pages may hold anything.
 */
export const notifyHintSchema = z.object({
  feed,
  first: z.int().positive(),
  next: z.int().positive(),
  names: z.array(z.string()).optional(),
});
export type NotifyHint = z.infer<typeof notifyHintSchema>;

/** Far below the limit of SQS. No calls have so many event names. */
const MAX_HINT_NAMES_BYTES = 32 * 1024;

/** The names for a hint. Undefined when they are too many: without names, the pages may hold anything. */
export function hintNames(names: Iterable<string>): string[] | undefined {
  const distinct = [...new Set(names)];
  return Buffer.byteLength(JSON.stringify(distinct)) > MAX_HINT_NAMES_BYTES ? undefined : distinct;
}

/** The names of all the hints; undefined when the pages of one may hold anything. */
export function namesOfHints(hints: readonly NotifyHint[]): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  for (const hint of hints) {
    if (hint.names === undefined) return undefined;
    for (const name of hint.names) names.add(name);
  }
  return names;
}

/** One hint that says of a feed what both say. */
export function mergeHints(one: NotifyHint, other: NotifyHint): NotifyHint {
  const both = namesOfHints([one, other]);
  const names = both && hintNames(both);
  return {
    feed: one.feed,
    first: Math.min(one.first, other.first),
    next: Math.max(one.next, other.next),
    ...(names && { names }),
  };
}

/** SQS delays a message by at most 15 minutes. Wakes due later are left to the sweep. */
export const LONGEST_WAKE_DELAY_MILLIS = 900_000;

const id = z.string().min(1).max(64);

/**
 * "This session has something to read." With `test`: "send a test message to its endpoint", which moves nothing, so it may
 * be lost or doubled too.
 */
const sessionWakeSchema = z.object({
  feed,
  session: id,
  test: z.object({ id, requestedAtEpochMillis: z.int() }).optional(),
});

/** "Sessions of this group have something to read." */
const groupWakeSchema = z.object({ feed, group: id });

/**
 * The groups that one wake names. AWS may pass on every wake to an invocation of its own, where a group alone mostly waits
 * for answers. Four full groups keep an invocation's CPU busy for half of the time, at two pages a second.
 */
export const GROUPS_IN_WAKE = 4;

/** The same of some groups of a feed. A later release may name more than this one does. */
const groupsWakeSchema = z.object({
  feed,
  groups: z
    .array(id)
    .min(1)
    .max(4 * GROUPS_IN_WAKE),
});

export const wakeHintSchema = z.union([sessionWakeSchema, groupWakeSchema, groupsWakeSchema]);
export type SessionWake = z.infer<typeof sessionWakeSchema>;
export type GroupWake = z.infer<typeof groupWakeSchema>;
export type GroupsWake = z.infer<typeof groupsWakeSchema>;
export type WakeHint = z.infer<typeof wakeHintSchema>;
