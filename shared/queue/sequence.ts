/**
 * Sequence numbers and segments. A feed's messages are numbered 1, 2, 3 … without holes; segment k holds the
 * numbers k·size+1 … (k+1)·size. A feed's tail is the last number appended; 0 when there is none.
 */

export function segmentOf(sequence: number, segmentSize: number): number {
  return Math.floor((sequence - 1) / segmentSize);
}

export function firstOfSegment(segment: number, segmentSize: number): number {
  return segment * segmentSize + 1;
}

export function lastOfSegment(segment: number, segmentSize: number): number {
  return (segment + 1) * segmentSize;
}

/** What makes a feed's name: it becomes part of keys, URLs and SQS message groups. */
export const FEED_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
