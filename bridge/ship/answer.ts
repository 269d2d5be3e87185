import * as z from "zod";
import type { RefusedRecord } from "../spool.ts";

const answerSchema = z.object({
  accepted: z.number().int().nonnegative(),
  duplicates: z.number().int().nonnegative(),
  refused: z.array(z.object({ index: z.number().int().nonnegative(), error: z.string() })),
});

/** A sent batch, and what may be in the feed already. */
export interface Sent {
  readonly position: number;
  readonly count: number;
  /** Up to this position, an earlier request may have arrived although its response did not. */
  readonly resentThrough: number;
  readonly replaced: ReadonlyMap<number, string>;
}

/** What an answer means for the batch. */
export type Verdict =
  | {
      readonly kind: "stored";
      /** Everything up to this position is done. */
      readonly through: number;
      readonly accepted: number;
      readonly duplicates: number;
      readonly refused: readonly RefusedRecord[];
      /** Set when the relay knows other events under this producer's name: the spool needs a new name. */
      readonly conflict?: string;
    }
  /** Not an answer of a relay to this batch. */
  | { readonly kind: "senseless"; readonly detail: string };

/**
 * Judges a 202, or a 422 with all events refused. Beyond `resentThrough` the relay cannot know an event: a duplicate
 * there is an event of somebody else, who uses the same producer's name. This happens when a spool was copied, or
 * restored from a backup.
 */
export function judge(answer: unknown, sent: Sent): Verdict {
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success)
    return { kind: "senseless", detail: `the response is not a relay's: ${parsed.error.message}` };
  const { accepted, duplicates } = parsed.data;
  const { position, count, resentThrough, replaced } = sent;
  const refused = parsed.data.refused.map(({ index, error }) => ({
    position: position + index,
    reason: replaced.get(index) ?? error,
  }));
  const last = position + count - 1;
  const stored = { kind: "stored", through: last, accepted, duplicates, refused } as const;
  if (accepted + duplicates + refused.length !== count)
    return { ...stored, conflict: `the relay counts other events than the ${count} that were sent` };

  const refusedPositions = new Set(refused.map((each) => each.position));
  const notRefused = Array.from({ length: count }, (_, index) => position + index).filter(
    (each) => !refusedPositions.has(each),
  );
  const resent = notRefused.filter((each) => each <= resentThrough).length;
  if (duplicates <= resent) return stored;
  const conflict = `the relay took ${duplicates - resent} new events for older ones of the same producer`;
  if (accepted === 0) {
    const through = Math.max(position - 1, Math.min(last, resentThrough));
    return {
      ...stored,
      through,
      duplicates: resent,
      refused: refused.filter((each) => each.position <= through),
      conflict,
    };
  }
  const lost = notRefused.slice(resent, duplicates).map((each) => ({ position: each, reason: conflict }));
  return { ...stored, duplicates: resent, refused: [...refused, ...lost], conflict };
}
