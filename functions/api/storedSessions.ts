import type { Session, WebhookSession } from "../../shared/sessions/session.ts";
import type { ApiParts } from "./parts.ts";
import {
  readStored,
  type StoredSession,
  storedInGroup,
  storedSession,
  storedUnreadable,
} from "./storedSession.ts";

/** Many sessions with their cursors, in their order. One that is deleted meanwhile is left out. */
export async function readAllStored(parts: ApiParts, sessions: readonly Session[]): Promise<StoredSession[]> {
  const [single, grouped] = [sessions.filter((each) => !isGrouped(each)), sessions.filter(isGrouped)];
  const [cursors, inGroups] = await Promise.all([
    parts.cursors.readCursors(single),
    readGrouped(parts, grouped),
  ]);
  const rows = new Map(cursors.map((cursor) => [cursor.session, cursor]));
  const stored = await Promise.all(
    sessions.map(
      (session) =>
        inGroups.get(session.session) ??
        (isGrouped(session) ? undefined : storedSession(session, rows.get(session.session))) ??
        // Its cursor may have moved into a group between the reads.
        readStored(parts, session.session),
    ),
  );
  return stored.filter((each) => each !== undefined);
}

type Grouped = WebhookSession & { readonly group: string };

function isGrouped(session: Session): session is Grouped {
  return session.kind === "webhook" && session.group !== undefined;
}

async function readGrouped(
  parts: ApiParts,
  sessions: readonly Grouped[],
): Promise<ReadonlyMap<string, StoredSession>> {
  if (sessions.length === 0) return new Map();
  const named = new Map(sessions.map(({ feed, group }) => [group, { feed, group }]));
  const read = await parts.groups.readGroups([...named.values()]);
  const groups = new Map(read.groups.map((each) => [each.group, each]));
  const unreadable = new Map(read.unreadable.map((each) => [each.group, each]));
  const failing = sessions.filter(
    ({ session, group }) => (groups.get(group)?.cursors[session]?.attempts ?? 0) > 0,
  );
  const errors = await parts.groups.readErrors(failing);
  const stored = new Map<string, StoredSession>();
  for (const session of sessions) {
    const [group, broken] = [groups.get(session.group), unreadable.get(session.group)];
    const each = broken
      ? storedUnreadable(session, broken, parts.clock.nowEpochMillis())
      : group && storedInGroup(session, group, errors.get(session.session));
    if (each !== undefined) stored.set(session.session, each);
  }
  return stored;
}
