/*
 * Sequence numbers and segments. A feed's messages are numbered 1, 2, 3 … without holes; segment k holds the
 * numbers k·size+1 … (k+1)·size. A feed's tail is the last number appended; 0 when there is none.
 */

/**
 * A message's number in its feed. The compiler keeps sequence numbers and segments apart: neither can be used as the
 * other. The result of arithmetic is a plain number, which can be used as both.
 */
export type Sequence = number & { readonly unit?: "sequence" };

/** A run of sequence numbers: the unit of reference counting and freeing. */
export type Segment = number & { readonly unit?: "segment" };

/** The segment of a number. */
export function segmentOf(sequence: Sequence, segmentSize: number): Segment {
  return Math.floor((sequence - 1) / segmentSize);
}

export function firstOfSegment(segment: Segment, segmentSize: number): Sequence {
  return segment * segmentSize + 1;
}

export function lastOfSegment(segment: Segment, segmentSize: number): Sequence {
  return (segment + 1) * segmentSize;
}

/** A valid feed name. It becomes part of keys, URLs and SQS message groups. */
export const FEED_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
