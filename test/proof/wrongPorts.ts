import type { NotifyParts } from "../../functions/notify/notify.ts";
import { FenceLostError } from "../../shared/errors.ts";
import { type Cursor, type CursorChange, signal } from "../../shared/sessions/cursor.ts";
import type { RaceName } from "../races.ts";
import type { WrongPorts } from "./memoryWorld.ts";
import type { Verdict } from "./run.ts";
import type { Setup } from "./setup.ts";

/** A race that is opened by wrapping a port. */
interface OpenedRace {
  readonly ports: WrongPorts;
  /** The kind of process that must crash to show the race. */
  readonly crashing?: Setup["crashing"];
  isFound(verdict: Verdict): boolean;
}

const isLost = ({ beforeRepair }: Verdict) => beforeRepair.some((problem) => problem.includes("never got"));
const areCountsWrong = ({ problems }: Verdict) => problems.some((problem) => problem.startsWith("segment"));

/**
 * Some races of the list, opened without a change of the code. So one process can run thousands of schedules with and
 * without each race.
 */
export const WRONG_PORTS: Readonly<Partial<Record<RaceName, OpenedRace>>> = {
  "mark before wake": {
    isFound: isLost,
    crashing: "notify",
    ports: {
      notify: (parts: NotifyParts): NotifyParts => ({
        ...parts,
        cursors: { ...parts.cursors, write: async (cursor: Cursor) => cursor },
        wakes: {
          sendWakes: async (parked) => {
            for (const cursor of parked)
              await ignoringLostFences(parts.cursors.write(cursor, signal(parts.clock.nowEpochMillis())));
            return parts.wakes.sendWakes(parked);
          },
        },
      }),
    },
  },
  "mark without fence": {
    isFound: isLost,
    ports: {
      notify: (parts, relay, gate) => ({
        ...parts,
        cursors: {
          ...parts.cursors,
          write: async (cursor: Cursor, change: CursorChange) => {
            await gate("writes signalled");
            return relay.writeCursor(cursor, change, (row) => row.state === "parked");
          },
        },
      }),
    },
  },
  "park without second read": {
    isFound: isLost,
    ports: {
      deliver: ({ cursors, pages }) => {
        let hasJustParked = false;
        return {
          cursors: {
            ...cursors,
            write: async (cursor: Cursor, change: CursorChange) => {
              const written = await cursors.write(cursor, change);
              hasJustParked = change.state === "parked";
              return written;
            },
          },
          pages: {
            read: async (feed: string, segmentSize: number, next: number) => {
              const seesNothing = hasJustParked;
              hasJustParked = false;
              return seesNothing ? [] : pages.read(feed, segmentSize, next);
            },
          },
        };
      },
    },
  },
  "notify with stale reads": {
    isFound: isLost,
    ports: {
      notify: (parts, relay) => ({
        ...parts,
        cursors: {
          ...parts.cursors,
          listCursors: async (feed: string) =>
            (await parts.cursors.listCursors(feed)).map(
              (cursor) => relay.staleCursors.get(cursor.session) ?? cursor,
            ),
        },
      }),
    },
  },
  "count moved outside the transaction": {
    isFound: areCountsWrong,
    crashing: "deliver",
    ports: {
      deliver: ({ cursors, pages }, relay, gate) => ({
        pages,
        cursors: {
          ...cursors,
          write: async (cursor: Cursor, change: CursorChange) => {
            const { segment, ...rest } = change;
            const row = relay.cursors.get(cursor.session);
            const written = await cursors.write(cursor, rest);
            if (segment === undefined || segment === cursor.segment || row === undefined) return written;
            relay.cursors.set(cursor.session, { ...(relay.cursors.get(cursor.session) ?? row), segment });
            await gate("moves the reference");
            relay.moveReference(row, segment);
            return { ...written, segment };
          },
        },
      }),
    },
  },
};

async function ignoringLostFences(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!(error instanceof FenceLostError)) throw error;
  }
}
