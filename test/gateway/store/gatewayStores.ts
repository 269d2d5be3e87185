import { randomUUID } from "node:crypto";
import { RelayPositions } from "../../../gateway/store/positions.ts";
import { RelayUsers } from "../../../gateway/store/users.ts";
import type { AmiUser } from "../../../gateway/users.ts";
import { AmiUserStore } from "../../../shared/aws/amiUsers.ts";
import { CursorStore } from "../../../shared/aws/cursors.ts";
import { HeadStore } from "../../../shared/aws/heads.ts";
import { createTailSource } from "../../../shared/aws/openQueue.ts";
import { PageStore } from "../../../shared/aws/pages.ts";
import { ReferenceStore } from "../../../shared/aws/references.ts";
import type { Clock } from "../../../shared/runtime/clock.ts";
import { silentLog } from "../../../shared/runtime/log.ts";
import type { Cursor } from "../../../shared/sessions/cursor.ts";
import type { TestRelay } from "../../support/testRelay.ts";

export const LEASE_MILLIS = 20_000;

/** A gateway's users and positions, over the tables of a relay that runs. Each is a process of its own. */
export function gatewayOver({ relay }: TestRelay, clock: Clock) {
  const { documents } = relay.clients;
  const { queue, cursors: cursorsTable, sessions } = relay.tableNames;
  const references = new ReferenceStore(documents, queue, clock);
  const cursors = new CursorStore(documents, cursorsTable, references, randomUUID, clock);
  const users = new AmiUserStore(documents, sessions);
  const tails = createTailSource(new HeadStore(documents, queue), new PageStore(documents, queue, clock));
  const settings = { leaseMillis: LEASE_MILLIS };
  return {
    references,
    users: new RelayUsers({ users, openSecrets: async (session) => session, clock }),
    positions: new RelayPositions({ cursors, users, tails, clock, log: silentLog, settings }),
    async userOf(username: string): Promise<AmiUser> {
      const user = await this.users.find(username);
      if (user === undefined) throw new Error(`no user ${username}`);
      return user;
    },
    async rowOf({ feed, session }: AmiUser): Promise<Cursor> {
      const row = await cursors.readCursor(feed, session);
      if (row === undefined) throw new Error(`no row of ${session}`);
      return row;
    },
  };
}
