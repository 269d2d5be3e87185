import type { Feed, Session } from "../../client/index.ts";
import { nameOf } from "./sessionWords.ts";

/** More blocks than this cannot be told apart. */
const MOST_BLOCKS = 48;

/** A run of segments, from 0 (left) to 1 (right). */
export interface Block {
  readonly from: number;
  readonly to: number;
  readonly firstSegment: number;
  readonly lastSegment: number;
  readonly first: number;
  readonly last: number;
  readonly sessions: number;
  /** `passed`: every session is beyond it. `held`: a session stands in it or before it. `tail`: it still grows. */
  readonly kind: "passed" | "held" | "tail";
  /** How much of it has messages. */
  readonly filled: number;
}

/** Sessions that stand too close to each other to be drawn apart. */
export interface Pin {
  readonly at: number;
  readonly sessions: readonly Standing[];
}

export interface Standing {
  readonly id: string;
  readonly name: string;
  readonly next: number;
  readonly state: Session["state"];
}

export interface QueueLayout {
  readonly blocks: readonly Block[];
  readonly pins: readonly Pin[];
  /** Where the tail is. */
  readonly tailAt: number;
  /** Whoever stands lowest: what it has not passed is held. */
  readonly holder: Standing | undefined;
}

/** Where everything of a feed's queue stands, in the proportions of its numbers. */
export function layOut(feed: Feed, sessions: readonly Session[], pinWidth: number): QueueLayout {
  const { head, tail, segmentSize, segments } = feed;
  const end = head + segments.length * segmentSize;
  const place = (sequence: number) => Math.min(1, Math.max(0, (sequence - head) / Math.max(1, end - head)));
  const lowest = segments.findIndex(({ references }) => references > 0);
  const perBlock = Math.ceil(segments.length / MOST_BLOCKS);
  const blocks: Block[] = [];
  for (let index = 0; index < segments.length; index += perBlock) {
    const run = segments.slice(index, index + perBlock);
    const first = head + index * segmentSize;
    const last = first + run.length * segmentSize - 1;
    const isTail = index + run.length === segments.length;
    blocks.push({
      from: place(first),
      to: place(last + 1),
      firstSegment: run[0]?.segment ?? 0,
      lastSegment: run.at(-1)?.segment ?? 0,
      first,
      last,
      sessions: run.reduce((sum, { references }) => sum + references, 0),
      kind: isTail ? "tail" : lowest < 0 || index + run.length <= lowest ? "passed" : "held",
      filled: run.reduce((sum, { messages }) => sum + messages, 0) / (run.length * segmentSize),
    });
  }
  const standing = sessions
    .flatMap((session): Standing[] =>
      session.feed === feed.feed && session.next !== null
        ? [{ id: session.id, name: nameOf(session), next: session.next, state: session.state }]
        : [],
    )
    .sort((a, b) => a.next - b.next);
  return { blocks, pins: pinsOf(standing, place, pinWidth), tailAt: place(tail + 1), holder: standing[0] };
}

function pinsOf(standing: readonly Standing[], place: (sequence: number) => number, pinWidth: number): Pin[] {
  const pins: { at: number; sessions: Standing[] }[] = [];
  for (const each of standing) {
    const at = place(each.next);
    const last = pins.at(-1);
    if (last !== undefined && at - last.at < pinWidth) last.sessions.push(each);
    else pins.push({ at, sessions: [each] });
  }
  return pins;
}
