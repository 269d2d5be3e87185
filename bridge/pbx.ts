import type { Clock } from "../shared/runtime/clock.ts";
import type { Log } from "../shared/runtime/log.ts";
import { Intake } from "./intake.ts";
import { LinkState } from "./linkState.ts";
import type { PbxStatus } from "./outside/status.ts";
import type { ShipperProgress } from "./ship/progress.ts";
import { Shipper, type ShipperOptions } from "./ship/shipper.ts";
import type { PbxIdentity, Source, SourceListener } from "./source.ts";
import type { AsyncSpool } from "./spool.ts";
import { StateWatch, type StateWatchTimes } from "./stateWatch.ts";
import { type Entry, type LinkName, Truth } from "./truth/truth.ts";

export interface PbxParts {
  readonly feed: string;
  /** Carries the calls, and tells the PBX's state. */
  readonly main: Source;
  /** Manager beside an ARI source: what ARI has not. */
  readonly rest?: Source | undefined;
  readonly spool: AsyncSpool;
  readonly client: ShipperOptions["client"];
  readonly clock: Clock;
  readonly log: Log;
  newId(): string;
  /** Memory for events that are not spooled yet. */
  readonly maxIntakeBytes?: number;
  readonly watchTimes?: Partial<StateWatchTimes>;
}

/** How long stopping waits for events that are read and not stored yet. */
const STORE_WITHIN_MILLIS = 5_000;

/**
 * One PBX: its sources, intake, spool and shipper, and the truth about what was lost on the way. Nothing here waits for
 * another PBX, and its failures stay here.
 */
export class Pbx {
  readonly #parts: PbxParts;
  readonly #truth: Truth;
  readonly #intake: Intake;
  readonly #shipper: Shipper;
  readonly #watch: StateWatch;
  readonly #links: ReadonlyMap<LinkName, LinkState>;
  readonly #gaps = new Map<string, number>();
  #reconnects = 0;
  #relayTrouble: string | undefined;
  #relayTroubleKind: ShipperProgress["state"] | undefined;
  #spoolTrouble: string | undefined;
  /** The memory is full. Links that come up wait until it takes events again. */
  #isClosed = false;

  private constructor(parts: PbxParts, memory: ReadonlyMap<string, string>) {
    const { feed, main, rest, spool, client, clock, log, newId, maxIntakeBytes } = parts;
    this.#parts = parts;
    this.#truth = new Truth(memory);
    this.#shipper = new Shipper({
      spool,
      client,
      feed,
      onChange: (progress) => this.#shipperChanged(progress),
    });
    this.#intake = new Intake({
      spool,
      ...(maxIntakeBytes !== undefined && { maxBytes: maxIntakeBytes }),
      onFull: () => this.#cut(),
      onStored: () => this.#shipper.stored(),
      onTrouble: (error) => this.#spoolChanged(error),
    });
    this.#watch = new StateWatch({
      source: main,
      truth: this.#truth,
      clock,
      log,
      newId,
      append: (entry) => this.#append(entry),
      onDrift: () => this.#countGap("drift"),
      onRestart: (pbx) => this.#connected("main", pbx),
      ...(parts.watchTimes && { times: parts.watchTimes }),
    });
    this.#links = new Map<LinkName, LinkState>([
      ["main", new LinkState(main, log)],
      ...(rest === undefined ? [] : [["rest", new LinkState(rest, log)] as const]),
    ]);
  }

  /** @throws SpoolError when the spool cannot be read or written */
  static async create(parts: PbxParts): Promise<Pbx> {
    const { spool, clock } = parts;
    const pbx = new Pbx(parts, await spool.memory());
    const changes = pbx.#truth.beforeFirstUse([...pbx.#links.keys()], clock.nowEpochMillis());
    if (changes.size > 0) await spool.append([], changes);
    return pbx;
  }

  get feed(): string {
    return this.#parts.feed;
  }

  start(): void {
    this.#shipper.start();
    for (const [name, link] of this.#links) link.source.start(this.#listener(name, link));
  }

  /** Leaves the PBX, stores what it handed over, and ships for as long as `withinMillis`. The spool keeps the rest. */
  async stop(withinMillis: number): Promise<void> {
    const { clock, spool, log } = this.#parts;
    await Promise.all([...this.#links.values()].map(({ source }) => source.stop()));
    await this.#watch.end();
    this.#intake.remember(this.#truth.afterNoUse([...this.#links.keys()]));
    await Promise.race([this.#intake.idle(), clock.sleep(STORE_WITHIN_MILLIS)]);
    this.#intake.stop();
    await this.#shipper.stop(withinMillis);
    const { records } = spool.measure();
    if (records > 0) log.info("stopped; the spool keeps what the relay has not got", { records });
    await spool.close().catch((error: unknown) => log.error("the spool did not close", { error }));
  }

  status(): PbxStatus {
    const [main, rest] = [this.#links.get("main"), this.#links.get("rest")];
    const intake = this.#intake.progress();
    const shipper = this.#shipper.progress();
    const spool = this.#parts.spool.measure();
    return {
      feed: this.feed,
      link: main?.state ?? "down",
      linkTrouble: main?.trouble,
      restLink: rest === undefined ? undefined : rest.state === "up" ? "up" : "down",
      restTrouble: rest?.trouble,
      spoolTrouble: this.#spoolTrouble,
      relayTrouble: this.#relayTrouble,
      counts: {
        received: intake.received,
        spooled: intake.stored,
        shipped: shipper.shipped,
        refused: shipper.refused,
        dropped: spool.dropped,
        reconnects: this.#reconnects,
        gaps: Object.fromEntries(this.#gaps),
      },
      spool: {
        records: spool.records + intake.waiting,
        bytes: spool.bytes + intake.waitingBytes,
        oldestReceivedAtEpochMillis: spool.oldestReceivedAtEpochMillis,
      },
    };
  }

  #listener(name: LinkName, link: LinkState): SourceListener {
    const now = () => this.#parts.clock.nowEpochMillis();
    return {
      linkUp: (pbx) => {
        link.up(pbx);
        if (!this.#isClosed) this.#connected(name, pbx);
      },
      event: (event) => {
        this.#intake.take(event, () => {
          if (link.state !== "up" && !link.isEarly) this.#reportEarly(name, link);
          return this.#truth.event(name, event);
        });
      },
      linkDown: (loss) => {
        link.down(loss);
        this.#intake.remember(this.#truth.linkDown(name, loss, now()));
        if (name === "main") void this.#watch.end();
      },
      connectFailed: (loss) => link.failed(loss),
      takenOver: () => {
        link.takenOver();
        this.#intake.remember(this.#truth.takenOver(name, now()));
        if (name === "main") void this.#watch.end();
      },
    };
  }

  /** The first event of a connection that may never be up: reports the gap before it. */
  #reportEarly(name: LinkName, link: LinkState): void {
    const { clock, newId } = this.#parts;
    link.isEarly = true;
    const early = this.#truth.early(name, clock.nowEpochMillis(), newId());
    if (early === undefined) return;
    this.#append(early);
    this.#countGap(early.gap.reason);
  }

  /** The link is up and events are taken: reports the gap before it, and sees to the snapshot. */
  #connected(name: LinkName, pbx: PbxIdentity): void {
    const { clock, log, newId } = this.#parts;
    const overflow = this.#intake.reopen();
    const facts = overflow === undefined ? {} : { lost: overflow.count };
    const up = this.#truth.linkUp(name, pbx, clock.nowEpochMillis(), newId(), facts);
    this.#append(up);
    if (up.gap !== undefined) {
      this.#reconnects += 1;
      this.#countGap(up.gap.reason);
      log.warn("events may be missing: a gap record says so", {
        reason: up.gap.reason,
        seconds: Math.round((up.gap.toEpochMillis - up.gap.fromEpochMillis) / 1000),
      });
    }
    if (name === "main") this.#watch.begin({ reason: up.snapshotReason, gap: up.gap?.id });
  }

  #append({ records, changes }: Entry): void {
    const last = records.length - 1;
    records.forEach((record, index) => {
      this.#intake.note(record, index === last ? changes : undefined);
    });
    if (records.length === 0) this.#intake.remember(changes);
  }

  /** A PBX must never wait for its reader: what cannot be kept is not read any longer. */
  #cut(): void {
    this.#isClosed = true;
    this.#parts.log.error("events come faster than they can be stored: the link is cut");
    for (const { source } of this.#links.values()) source.cut("reader-too-slow");
    // The memory is free again when what waits is stored.
    void this.#intake.idle().then(() => this.#open());
  }

  #open(): void {
    this.#isClosed = false;
    for (const [name, { pbx }] of this.#links) if (pbx !== undefined) this.#connected(name, pbx);
  }

  #countGap(reason: string): void {
    this.#gaps.set(reason, (this.#gaps.get(reason) ?? 0) + 1);
  }

  #spoolChanged(error: unknown): void {
    const { log } = this.#parts;
    this.#spoolTrouble = error === undefined ? undefined : messageOf(error);
    if (error === undefined) log.info("events are stored again");
    else log.error("events cannot be stored; they wait in memory", { error });
  }

  /** One line for each change of what a person can do about it, whatever the number of attempts. */
  #shipperChanged({ state, lastError }: ShipperProgress): void {
    // Whether the relay takes events, a bridge that stops does not say any more.
    if (state === "stopped") return;
    const { log } = this.#parts;
    const trouble = lastError?.message;
    // A new attempt does not tell yet whether it is over.
    const isOpen = state === "sending" || state === "idle";
    const kind = trouble === undefined ? undefined : isOpen ? (this.#relayTroubleKind ?? state) : state;
    const hasChanged = kind !== this.#relayTroubleKind;
    this.#relayTrouble = trouble;
    this.#relayTroubleKind = kind;
    if (!hasChanged) return;
    if (trouble === undefined) log.info("the relay takes events");
    else log.warn("the relay does not take events; they wait in the spool", { state, error: trouble });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
