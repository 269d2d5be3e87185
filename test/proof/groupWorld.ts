import {
  createGroupOutlets,
  type DeliverGroupParts,
  deliverGroup,
} from "../../functions/deliver/deliverGroup.ts";
import { openSessions, type SessionStores } from "../../shared/aws/openSessions.ts";
import { type CursorGroup, changeCursor, newGroup } from "../../shared/groups/group.ts";
import { type GroupCursor, newGroupCursor } from "../../shared/groups/groupCursor.ts";
import type { FeedAdvances } from "../../shared/queue/feedAdvances.ts";
import { createFollowers } from "../../shared/queue/follower.ts";
import { PageReader } from "../../shared/queue/pageReader.ts";
import { segmentOf } from "../../shared/queue/sequence.ts";
import { type Clock, systemClock } from "../../shared/runtime/clock.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import { readSettings, type Settings } from "../../shared/runtime/settings.ts";
import { createJudges } from "../../shared/sessions/judge.ts";
import type { WebhookSession } from "../../shared/sessions/session.ts";
import type { WebhookBody } from "../../shared/webhook/body.ts";
import type { DeliveryOutcome } from "../../shared/webhook/outcome.ts";
import { SharedMessages } from "../../shared/webhook/sharedMessages.ts";
import { eventually } from "../support/eventually.ts";
import { storedPage } from "../unit/queue/samples.ts";
import type { Engine } from "./engine.ts";

export const ACCEPTED: DeliveryOutcome = { kind: "accepted", status: 200, durationMillis: 1 };
export const REFUSED: DeliveryOutcome = {
  kind: "failed",
  reason: "http.status",
  detail: "status 500",
  status: 500,
  durationMillis: 1,
};

/** A request as an endpoint gets it. */
export interface Post {
  readonly session: string;
  readonly id: string;
  readonly sequences: readonly number[];
  readonly previous: number;
  readonly epoch: number;
}

/** One group on one feed of the embedded engine, served by real turns. Endpoints are the test's. */
export class GroupWorld {
  readonly posts: Post[] = [];
  /** Delays of the wakes that were sent, in order. */
  readonly wakes: number[] = [];
  readonly stores: SessionStores;
  readonly feed: string;
  /** Decides what an endpoint answers, and when. */
  answer: (post: Post) => DeliveryOutcome | Promise<DeliveryOutcome> = () => ACCEPTED;
  settings: Settings = { ...readSettings({}), lingerMillis: 0 };
  stopping = new AbortController();
  #aheadMillis = 0;
  #tail = 0;
  #tokens = 0;

  readonly clock: Clock = {
    nowEpochMillis: () => Date.now() + this.#aheadMillis,
    sleep: systemClock.sleep,
  };

  constructor(engine: Engine, feed: string) {
    this.feed = feed;
    this.stores = openSessions(engine.environment, engine.clients, this.clock);
  }

  static async create(
    engine: Engine,
    feed: string,
    sessions: Readonly<Record<string, Partial<WebhookSession>>>,
  ): Promise<GroupWorld> {
    const world = new GroupWorld(engine, feed);
    await world.stores.heads.createFeed(feed, 10);
    for (const [name, facts] of Object.entries(sessions)) await world.join(name, facts);
    return world;
  }

  idOf(name: string): string {
    return `${this.feed}-${name}`;
  }

  /** The clock jumps: leases expire, and failed sessions are due. */
  pass(millis: number): void {
    this.#aheadMillis += millis;
  }

  async join(name: string, facts: Partial<WebhookSession> = {}, next = 1): Promise<void> {
    const session = this.idOf(name);
    const cursor = newGroupCursor(next);
    const read = await this.stores.groups.readGroup(this.feed, "group");
    const joining =
      read === undefined
        ? ({
            kind: "new",
            group: newGroup({
              feed: this.feed,
              group: "group",
              segmentSize: 10,
              session,
              cursor,
              nowEpochMillis: this.clock.nowEpochMillis(),
            }),
          } as const)
        : ({ kind: "change", read, change: changeCursor(read, session, cursor) } as const);
    await this.stores.sessions.join(joining, this.#sessionOf(session, facts), {});
  }

  #sessionOf(session: string, facts: Partial<WebhookSession>): WebhookSession {
    return {
      session,
      feed: this.feed,
      kind: "webhook",
      url: `http://127.0.0.1/${session}`,
      format: "stasis",
      maxBatch: 100,
      secrets: [],
      createdAtEpochMillis: 0,
      ...facts,
    };
  }

  async append(...counts: number[]): Promise<void> {
    for (const count of counts) {
      const first = this.#tail + 1;
      await this.stores.pages.putPage(
        this.feed,
        segmentOf(first, 10),
        storedPage(first, count, { appendedAtEpochMillis: this.clock.nowEpochMillis() }),
        { expiresAtEpochSeconds: 2_000_000_000, signal: new AbortController().signal },
      );
      this.#tail += count;
    }
  }

  async row(): Promise<CursorGroup> {
    const row = await this.stores.groups.readGroup(this.feed, "group");
    if (row === undefined) throw new Error("the group is gone");
    return row;
  }

  async cursor(name: string): Promise<GroupCursor> {
    const cursor = (await this.row()).cursors[this.idOf(name)];
    if (cursor === undefined) throw new Error(`${name} is not in the group`);
    return cursor;
  }

  /** A person changes one session, as the api does: reads, writes under the version, and reads again when refused. */
  async change(
    name: string,
    change: (cursor: GroupCursor) => GroupCursor,
    facts: Partial<WebhookSession> = {},
  ): Promise<void> {
    const id = this.idOf(name);
    for (;;) {
      const read = await this.row();
      const session = await this.stores.sessions.readSession(id);
      const cursor = read.cursors[id];
      if (cursor === undefined || session?.kind !== "webhook") throw new Error(`${name} is gone`);
      try {
        await this.stores.sessions.changeInGroup(
          read,
          changeCursor(read, id, change(cursor)),
          { ...session, ...facts },
          {},
        );
        return;
      } catch {}
    }
  }

  /** One turn in a process of its own. */
  turn(turnMillis = 10_000, restMillis = turnMillis): Promise<void> {
    return deliverGroup(this.process(), { feed: this.feed, group: "group" }, turnMillis, restMillis);
  }

  /** Resolves when a turn has parked the group with a request of a session under way: after the row is written, it sends a wake. */
  async handedOn(session: string): Promise<void> {
    await eventually("the wake of the turn that hands on", () => this.wakes.length > 0, 5_000);
    const { requestUntilEpochMillis } = await this.cursor(session);
    if (requestUntilEpochMillis === undefined) throw new Error(`no request of ${session} is under way`);
  }

  /** What deliver works with in a process that has nothing in its caches. @param advances where ingest runs in it too */
  process(advances?: FeedAdvances): DeliverGroupParts {
    const { clock, stores, settings } = this;
    const parts = {
      ...stores,
      clock,
      settings,
      log: silentLog,
      metrics: silentMetrics,
      random: () => 0.5,
      judgeOf: createJudges(() => 0, clock),
      sharedMessages: new SharedMessages(),
      attempts: { record: async () => {} },
      sessions: {
        readSession: (id: string) => stores.sessions.readSession(id),
        openSecrets: async () => ({ secrets: [] }),
      },
      webhook: { post: (request: { id: string; body: WebhookBody }) => this.#post(request) },
    };
    return {
      ...parts,
      outletOf: createGroupOutlets(parts),
      followerOf: createFollowers(new PageReader(stores.pages), clock, advances),
      wakes: {
        sendWake: async (_group, delayMillis = 0) => {
          this.wakes.push(delayMillis);
        },
      },
      newToken: () => {
        this.#tokens += 1;
        return `turn-${this.#tokens}`;
      },
      stopping: this.stopping.signal,
    };
  }

  async #post({ id, body }: { id: string; body: WebhookBody }): Promise<DeliveryOutcome> {
    const { session, previous, epoch, messages } = JSON.parse(Buffer.concat(body.json).toString());
    const post = {
      session: session.slice(this.feed.length + 1),
      id: id.slice(this.feed.length + 1),
      sequences: messages.map(({ sequence }: { sequence: number }) => sequence),
      previous,
      epoch,
    };
    this.posts.push(post);
    return this.answer(post);
  }

  /** The batches that a session was sent, as text: `first-last`. */
  batches(name: string): string[] {
    return this.posts
      .filter(({ session }) => session === name)
      .map(({ sequences }) => `${sequences[0]}-${sequences.at(-1)}`);
  }
}
