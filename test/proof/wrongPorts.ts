import type { NotifyParts } from "../../functions/notify/notify.ts";
import { FenceLostError } from "../../shared/errors.ts";
import { type Cursor, type CursorChange, signal } from "../../shared/sessions/cursor.ts";
import type { WrongPorts } from "./memoryWorld.ts";

/**
 * The same wrong changes as some mutants, made by wrapping a port, so that thousands of schedules can be run with and
 * without them in one process. Keys are names of races.
 */
export const WRONG_PORTS = {
  "mark before wake": {
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
  "mark without fence": {
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
  "park without second read": {
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
  "notify with stale reads": {
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
  "count moved outside the transaction": {
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
} satisfies Readonly<Record<string, WrongPorts>>;

async function ignoringLostFences(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!(error instanceof FenceLostError)) throw error;
  }
}
