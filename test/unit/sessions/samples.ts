import type { Cursor } from "../../../shared/sessions/cursor.ts";

export const NOW = 1_700_000_000_000;

export function cursorOf(facts: Partial<Cursor> = {}): Cursor {
  return {
    feed: "pbx-1",
    session: "ses_1",
    state: "parked",
    next: 25,
    segment: 2,
    segmentSize: 10,
    fence: 7,
    lane: "fast",
    interest: undefined,
    previous: 24,
    generation: 3,
    attempts: 0,
    changedAtEpochMillis: NOW - 60_000,
    ...facts,
  };
}
