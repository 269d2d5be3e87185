import * as z from "zod";
import { FEED_NAME } from "./sequence.ts";

/**
 * The two SQS messages. They are hints: any may be lost, doubled, late or reordered, and whoever gets one reads the
 * rows before it does anything.
 */

const feed = z.string().regex(FEED_NAME);

/** "The feed advanced": pages from `first` up to but not including `next` were appended, with these event types. */
export const notifyHintSchema = z.object({
  feed,
  first: z.int().positive(),
  next: z.int().positive(),
  names: z.array(z.string()),
});
export type NotifyHint = z.infer<typeof notifyHintSchema>;

/** "This session has something to read." */
export const wakeHintSchema = z.object({ feed, session: z.string().min(1).max(64) });
export type WakeHint = z.infer<typeof wakeHintSchema>;
