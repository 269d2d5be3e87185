import type { Follower } from "../queue/follower.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Settings } from "../runtime/settings.ts";
import { isFeedBusy } from "../sessions/lingering.ts";
import type { Outlet } from "../sessions/outlet.ts";
import type { CursorGroup, LateOutcome } from "./group.ts";
import { type GroupCursor, hasWork, isReady } from "./groupCursor.ts";
import { HeldGroup } from "./heldGroup.ts";
import { type LateParts, sendWakes, settleLate, writeErrors } from "./lateRequests.ts";
import type { Outcome } from "./outcome.ts";
import { isLookEnough, mayBegin, waitsForWrite } from "./permission.ts";
import { type SessionRequest, SessionRequests } from "./sessionRequests.ts";
import { TurnTail } from "./turnTail.ts";

export interface GroupTurnParts extends LateParts {
  /**
   * What a session sends through, with its configuration as of a revision of its cursor. Undefined when the session is
   * gone.
   */
  outletOf(session: string, revision: number): Promise<Outlet | undefined>;
  /** A random token for a turn. */
  newToken(): string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "record">;
  readonly settings: Pick<Settings, "leaseMillis" | "lingerMillis" | "requestTimeoutMillis">;
  /** Aborts when the process must stop: lingering ends and no further batch begins. */
  readonly stopping: AbortSignal;
}

/** The task of one turn. */
export interface GroupTurnTask {
  /** The row as read. The caller has checked that it can be taken. */
  readonly group: CursorGroup;
  readonly follower: Follower;
  /** After this time the turn begins no further batch. */
  readonly endsAtEpochMillis: number;
  /**
   * From this time on, the turn ends as soon as everybody has everything. Then no request is late, and the next page wakes the
   * group.
   */
  readonly restsAtEpochMillis?: number | undefined;
}

/** A turn with nothing to do but wait for answers hands its group on after this time. */
const PATIENCE_MILLIS = 1_000;

/**
 * A turn whose time is over waits for the answers of requests that are younger than this. Most come at once, and a late
 * outcome costs a write and a wake of its own (docs/decisions/0017-cursor-groups.md). Nobody waits for an endpoint that has
 * failed before.
 */
const YOUNG_REQUEST_MILLIS = 1_000;

/** The shortest pause while a batch is still planned. */
const SHORT_MILLIS = 10;

/** A late request is given up this long after its timeout. It covers what comes before and after the request itself. */
const LATE_SPARE_MILLIS = 5_000;

/**
 * One turn of a group (docs/decisions/0017-cursor-groups.md): takes the group, serves its sessions side by side, each at its
 * own pace, and parks. A turn that loses its row ends without an error: the new holder continues. Ends when the last of its
 * requests has ended.
 */
export async function runGroupTurn(parts: GroupTurnParts, task: GroupTurnTask): Promise<void> {
  const turn = new GroupTurn(parts, task);
  try {
    await turn.run();
  } finally {
    task.follower.turnEnded();
    await turn.ended();
  }
}

class GroupTurn {
  readonly #parts: GroupTurnParts;
  readonly #task: GroupTurnTask;
  readonly #held: HeldGroup;
  readonly #requests: SessionRequests;
  /** By session, with the revision that it was opened for. A session without one is not served. */
  readonly #outlets = new Map<string, { revision: number; outlet: Outlet | undefined }>();
  readonly #tail: TurnTail;
  /** Outcomes that are not written yet and that stop a session or make it wait. */
  #unwritten: ({ readonly session: string } & Outcome)[] = [];
  #writtenAtEpochMillis = 0;
  /** Batches that each session has begun since the last write. */
  #begun = new Map<string, number>();
  #isBusy = false;
  /** When an answer or a page came last. */
  #movedAtEpochMillis = 0;

  constructor(parts: GroupTurnParts, task: GroupTurnTask) {
    this.#parts = parts;
    this.#task = task;
    this.#held = new HeldGroup(parts.groups, task.group, parts.newToken());
    this.#tail = new TurnTail(task.follower, task.group.segmentSize);
    const { clock, metrics, log } = parts;
    const { feed, group } = task.group;
    const onError = (session: string, error: unknown) =>
      log.error("a session's batch could not be made or sent", { feed, group, session, error });
    this.#requests = new SessionRequests({ clock, metrics, onError }, this.#held, task.follower);
  }

  async run(): Promise<void> {
    for (let hasParked = false; ; ) {
      // After parking, this is the second read of the tail: a page appended before the row was parked had no group to wake.
      await this.#readTail();
      await this.#openOutlets();
      if (!this.#hasWork() && this.#held.base.state === "parked") return;
      if (hasParked && this.#isOver()) return this.#parts.wakes.sendWake(this.#held.base);
      const taken = await this.#held.take(this.#hold());
      if (taken === "again") {
        hasParked = false;
        continue;
      }
      if (taken === "lost" || (await this.#serve()) === "ended") return;
      hasParked = true;
    }
  }

  /** Resolves when no request of the turn is under way. */
  ended(): Promise<void> {
    return this.#requests.ended();
  }

  /** Serves the held group. "parked": it was parked at the end of the queue. "ended": the group is handed on or lost. */
  async #serve(): Promise<"parked" | "ended"> {
    this.#noteWrite();
    this.#movedAtEpochMillis = this.#now();
    this.#beginAll();
    for (;;) {
      this.#takeOutcomes();
      await this.#openOutlets();
      const idle = this.#idle();
      if (this.#isOver() && this.#hasLeft()) {
        this.#requests.dropPlanned();
        if (await this.#waitForYoung()) continue;
        return this.#handOn();
      }
      if (this.#unwritten.length > 0 || idle.some((each) => this.#waitsForWrite(each))) {
        if ((await this.#advance()) === "lost") return this.#lost();
      } else if (idle.some((each) => this.#mayBegin(each))) {
        if ((await this.#lookAndBegin()) === "lost") return this.#lost();
      } else if (this.#tail.hasMore && !this.#isOver() && idle.some((each) => this.#waitsForPages(each))) {
        await this.#readTail();
      } else if (!this.#requests.isIdle) {
        const isPatient =
          this.#requests.isPlanning || this.#now() < this.#movedAtEpochMillis + PATIENCE_MILLIS;
        if (!isPatient) return this.#handOn();
        if (!idle.some((each) => this.#waitsForPages(each))) await this.#waitPatiently();
        else if (await this.#waitForTick()) await this.#readTail();
      } else if (this.#mayRest() || !(await this.#linger())) {
        const parked = await this.#park(new Map());
        if (parked === "parked") return "parked";
        if (parked === "lost") return this.#lost();
      }
    }
  }

  #now(): number {
    return this.#parts.clock.nowEpochMillis();
  }

  #isOver(): boolean {
    return this.#parts.stopping.aborted || this.#now() >= this.#task.endsAtEpochMillis;
  }

  #mayRest(): boolean {
    const { endsAtEpochMillis, restsAtEpochMillis = endsAtEpochMillis } = this.#task;
    return this.#isOver() || this.#now() >= restsAtEpochMillis;
  }

  /** Whether another turn must go on. Otherwise the next page wakes the group. */
  #hasLeft(): boolean {
    return !this.#requests.isIdle || this.#unwritten.length > 0 || this.#hasWork();
  }

  #hold() {
    const { leaseMillis } = this.#parts.settings;
    return { tail: this.#tail.last, leaseMillis, nowEpochMillis: this.#now() };
  }

  /** Reads the pages behind the last known number, strongly consistent. */
  async #readTail(): Promise<void> {
    const { cursors, planned = 0 } = this.#held.base;
    // A cursor that nothing stops has passed only what was appended. Where a page cannot be read, the turn knows no number
    // behind it until a person seeks a session past it.
    const running = Object.values(cursors).filter(({ stopped }) => stopped === undefined);
    const known = Math.max(this.#tail.last, planned, ...running.map(({ next }) => next - 1));
    if (await this.#tail.readAfter(known)) this.#movedAtEpochMillis = this.#now();
  }

  /** Opens what sessions with something to send use, again if a person has changed the session since. */
  async #openOutlets(): Promise<void> {
    const toOpen = this.#cursors().filter(
      ([session, { revision, stopped }]) =>
        stopped === undefined && this.#outlets.get(session)?.revision !== revision,
    );
    await Promise.all(
      toOpen.map(async ([session, { revision }]) => {
        const outlet = await this.#parts.outletOf(session, revision);
        this.#outlets.set(session, { revision, outlet });
      }),
    );
  }

  #cursors(): [string, GroupCursor][] {
    return Object.entries(this.#held.mine.cursors);
  }

  /** Undefined when the configuration at hand is not that of the cursor's revision. */
  #outletOf(session: string): Outlet | undefined {
    const known = this.#outlets.get(session);
    return known?.revision === this.#held.cursorOf(session)?.revision ? known?.outlet : undefined;
  }

  #hasWork(): boolean {
    const nowEpochMillis = this.#now();
    return this.#cursors().some(
      ([session, cursor]) =>
        this.#outletOf(session) !== undefined && hasWork(cursor, this.#tail.last, nowEpochMillis),
    );
  }

  /** The sessions that are served and have no request under way. */
  #idle(): string[] {
    return Object.keys(this.#held.mine.cursors).filter(
      (session) => !this.#requests.isRunning(session) && this.#outletOf(session) !== undefined,
    );
  }

  #mayBegin(session: string): boolean {
    const cursor = this.#held.cursorOf(session);
    return cursor !== undefined && mayBegin(cursor, this.#held.base.planned, this.#now());
  }

  #waitsForWrite(session: string): boolean {
    const cursor = this.#held.cursorOf(session);
    return (
      cursor !== undefined && waitsForWrite(cursor, this.#held.base.planned, this.#tail.last, this.#now())
    );
  }

  /** Whether a session has all that is known of the feed, and nothing else keeps it from getting more. */
  #waitsForPages(session: string): boolean {
    const cursor = this.#held.cursorOf(session);
    return cursor !== undefined && isReady(cursor, this.#now());
  }

  #beginAll(): void {
    for (const session of this.#idle()) {
      const outlet = this.#outletOf(session);
      if (outlet === undefined || !this.#mayBegin(session)) continue;
      this.#begun.set(session, (this.#begun.get(session) ?? 0) + 1);
      this.#requests.start(session, outlet);
    }
  }

  #takeOutcomes(): void {
    for (const { session, outcome } of this.#requests.takeAnswered()) {
      const nowEpochMillis = this.#now();
      const before = this.#held.cursorOf(session)?.lastDeliveryEpochSeconds;
      this.#held.change(session, outcome.change);
      this.#movedAtEpochMillis = nowEpochMillis;
      if (outcome.failure !== undefined || outcome.dueAtEpochMillis !== undefined)
        this.#unwritten.push({ session, ...outcome });
      else if (isFeedBusy(before === undefined ? undefined : before * 1000, nowEpochMillis))
        this.#isBusy = true;
    }
  }

  /** Before batches that no write precedes: a person may have paused or moved a session. Others begin within the plan. */
  async #lookAndBegin(): Promise<"begun" | "lost" | "merged"> {
    const since = {
      millis: this.#now() - this.#writtenAtEpochMillis,
      batches: Math.max(0, ...this.#begun.values()),
    };
    if (!isLookEnough(since)) {
      const advanced = await this.#advance();
      return advanced === "written" ? "begun" : advanced;
    }
    const seen = await this.#held.look();
    if (seen === "lost") return seen;
    // Configurations that are opened now may be newer than the row as read, so it is read once more.
    if (seen === "merged") return this.#merged();
    this.#beginAll();
    return "begun";
  }

  /** One write for everybody's progress. What is planned by it begins. */
  async #advance(): Promise<"written" | "merged" | "lost"> {
    await writeErrors(this.#parts.groups, this.#held.base.feed, this.#unwritten);
    const advanced = await this.#held.advance(this.#hold());
    if (advanced === "merged") return this.#merged();
    if (advanced === "lost") return advanced;
    await this.#wroteAndOwes();
    this.#beginAll();
    return advanced;
  }

  async #park(underWay: ReadonlyMap<string, number>): Promise<"parked" | "merged" | "lost"> {
    await writeErrors(this.#parts.groups, this.#held.base.feed, this.#unwritten);
    const parked = await this.#held.park(underWay, this.#now());
    if (parked === "merged") return this.#merged();
    if (parked === "parked") await this.#wroteAndOwes();
    return parked;
  }

  #merged(): "merged" {
    this.#requests.dropMoved();
    // The session was moved or deleted: its failure is gone with the rest of its progress.
    this.#unwritten = this.#unwritten.filter(({ session }) => {
      const cursor = this.#held.cursorOf(session);
      return cursor?.dueAtEpochMillis !== undefined || cursor?.stopped !== undefined;
    });
    return "merged";
  }

  #noteWrite(): void {
    this.#writtenAtEpochMillis = this.#now();
    this.#begun.clear();
  }

  async #wroteAndOwes(): Promise<void> {
    this.#noteWrite();
    const dues = this.#unwritten.flatMap(({ dueAtEpochMillis }) => dueAtEpochMillis ?? []);
    this.#unwritten = [];
    await sendWakes(this.#parts.wakes, this.#held.base, dues, this.#now());
  }

  /** While the feed is busy, waiting for the next page is cheaper than parking and being woken. False: it is time to park. */
  async #linger(): Promise<boolean> {
    const { lingerMillis } = this.#parts.settings;
    if (!this.#isBusy || this.#now() >= this.#movedAtEpochMillis + lingerMillis) return false;
    await this.#waitForTick();
    await this.#readTail();
    return true;
  }

  /** Waits for the follower's next tick; false when a request has ended before it. */
  async #waitForTick(): Promise<boolean> {
    const { answer } = this.#requests;
    await this.#task.follower.nextTick(this.#tail.mark, answer, this.#parts.stopping);
    return !answer.aborted;
  }

  /** Waits for the answer of a young request; false when there is none. */
  async #waitForYoung(): Promise<boolean> {
    const hopeful = this.#requests
      .sent()
      .filter(({ session }) => this.#held.cursorOf(session)?.attempts === 0);
    const youngest = Math.max(0, ...hopeful.map(({ sentAtEpochMillis = 0 }) => sentAtEpochMillis));
    const waitMillis = youngest + YOUNG_REQUEST_MILLIS - this.#now();
    if (waitMillis <= 0) return false;
    await this.#waitForAnswer(waitMillis);
    return true;
  }

  /** Waits for an answer while nobody can take a page. */
  async #waitPatiently(): Promise<void> {
    const untilEpochMillis = Math.min(
      this.#movedAtEpochMillis + PATIENCE_MILLIS,
      this.#task.endsAtEpochMillis,
    );
    await this.#waitForAnswer(Math.max(SHORT_MILLIS, untilEpochMillis - this.#now()), this.#parts.stopping);
  }

  async #waitForAnswer(mostMillis: number, ...signals: readonly AbortSignal[]): Promise<void> {
    await this.#parts.clock.sleep(mostMillis, this.#requests.answer, ...signals);
  }

  /**
   * Parks the group with work left, so that another turn goes on with it, and then waits for the last requests. The sweep
   * repairs a crash before the wake.
   */
  async #handOn(): Promise<"ended"> {
    for (;;) {
      this.#takeOutcomes();
      this.#requests.dropPlanned();
      const late = this.#requests.sent();
      const { requestTimeoutMillis } = this.#parts.settings;
      const untilOf = ({ sentAtEpochMillis = 0 }: SessionRequest) =>
        sentAtEpochMillis + requestTimeoutMillis + LATE_SPARE_MILLIS;
      const parked = await this.#park(new Map(late.map((each) => [each.session, untilOf(each)])));
      if (parked === "lost") return this.#lost();
      if (parked === "merged") continue;
      // The outcomes are written also when the wake cannot be sent.
      const done = [this.#parts.wakes.sendWake(this.#held.base), this.#settle(late)];
      await Promise.allSettled(done);
      await Promise.all(done);
      return "ended";
    }
  }

  /** Writes what has come since the last write together: outcomes that come at the same time do not race for the row. */
  async #settle(late: readonly SessionRequest[]): Promise<void> {
    const { base } = this.#held;
    const come: (LateOutcome & Outcome)[] = [];
    let settling = Promise.resolve();
    const write = async () => {
      const outcomes = come.splice(0);
      if (outcomes.length > 0) await settleLate(this.#parts, base, outcomes, this.#now());
    };
    const settled = late.map(async ({ session, generation, outcome }) => {
      const ended = await outcome;
      if (ended === undefined) return;
      come.push({ session, generation, number: base.cursors[session]?.requests ?? 0, ...ended });
      settling = settling.catch(() => {}).then(write);
      await settling;
    });
    await Promise.allSettled(settled);
    await Promise.all(settled);
  }

  #lost(): "ended" {
    this.#requests.dropPlanned();
    const { feed, group } = this.#task.group;
    this.#parts.log.info("the turn ends: its group was taken over", { feed, group });
    return "ended";
  }
}
