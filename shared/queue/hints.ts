import * as z from "zod";
import { FEED_NAME } from "./sequence.ts";

/**
 * The two SQS messages. They are hints: any may be lost, doubled, late or reordered, and whoever gets one reads the
 * rows before it does anything.
 */

const feed = z.string().regex(FEED_NAME);

/**
 * "The feed advanced": pages from `first` up to but not including `next` were appended. `names` says what is in them;
 * without it they may hold anything.
 */
export const notifyHintSchema = z.object({
  feed,
  first: z.int().positive(),
  next: z.int().positive(),
  names: z.array(z.string()).optional(),
});
export type NotifyHint = z.infer<typeof notifyHintSchema>;

/** SQS delays a message by at most 15 minutes; a wake that is due later is left to the sweep. */
export const LONGEST_WAKE_DELAY_MILLIS = 900_000;

/** "This session has something to read." */
export const wakeHintSchema = z.object({ feed, session: z.string().min(1).max(64) });
export type WakeHint = z.infer<typeof wakeHintSchema>;
