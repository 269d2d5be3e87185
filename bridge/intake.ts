import type { SourceEvent } from "./source.ts";
import type { AsyncSpool, SpoolRecord } from "./spool.ts";
import type { MemoryChanges } from "./truth/memory.ts";

export interface IntakeOptions {
  readonly spool: Pick<AsyncSpool, "append">;
  /** The most memory that unspooled events may take; 32 MiB if absent. */
  readonly maxBytes?: number;
  /** The most records in one transaction; 500 if absent. Each waits in the memory of two threads. */
  readonly maxTransactionRecords?: number;
  /** How long a record waits for others to share its transaction; 10 ms if absent. It costs no latency that
   * matters, and halves the transactions of a busy PBX. */
  readonly lingerMillis?: number;
  /** How long the intake waits after the disk refused; 250 ms if absent. */
  readonly retryMillis?: number;
  /**
   * The memory is full, and the event at hand is lost: cut the link, so that the PBX is not read any longer. Called once
   * until `reopen`.
   */
  onFull(): void;
  /** Records are stored: there is something to ship. */
  onStored(): void;
  /** The spool refuses, and what waits is tried again; undefined when it works again. Called at each change. */
  onTrouble(error: unknown): void;
}

/** Events that were refused while the memory was full. */
export interface Overflow {
  readonly count: number;
  readonly fromEpochMillis: number;
  readonly toEpochMillis: number;
}

export interface IntakeProgress {
  readonly received: number;
  readonly stored: number;
  /** Records that wait in memory, with those of the transaction at hand. */
  readonly waiting: number;
  readonly waitingBytes: number;
  /** Events that were refused because the memory was full. */
  readonly lost: number;
  /** Records that the spool's limits removed. */
  readonly dropped: number;
  readonly transactions: number;
  readonly trouble: unknown;
}

/** A transaction's records are copied once, on their way to the spool's thread. */
const MAX_TRANSACTION_BYTES = 4 * 1024 * 1024;

/**
 * What one transaction stores. Of the changes of the memory only the last of each key is kept: those of every event of a
 * burst would take more memory than the events.
 */
interface Transaction {
  readonly records: SpoolRecord[];
  readonly changes: Map<string, string | null>;
  bytes: number;
  /** Takes no more: it is being stored, or is full. */
  isClosed: boolean;
}

const NO_CHANGES: MemoryChanges = new Map();

/** What a waiting record takes besides its body. */
const RECORD_BYTES = 200;

/**
 * Between a source, which hands over each event synchronously, and the spool, which waits for the disk. Everything that
 * waits shares a transaction (group commit). When the spool refuses, records wait and are tried again, in order, until
 * the memory is full.
 */
export class Intake {
  readonly #options: Required<IntakeOptions>;
  #waiting: Transaction[] = [];
  #waitingRecords = 0;
  #waitingBytes = 0;
  #overflow: Overflow | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStoring = false;
  #isStopped = false;
  #trouble: unknown;
  #idle: (() => void)[] = [];
  #counts = { received: 0, stored: 0, lost: 0, dropped: 0, transactions: 0 };

  constructor(options: IntakeOptions) {
    this.#options = {
      maxBytes: 32 * 1024 * 1024,
      maxTransactionRecords: 500,
      lingerMillis: 10,
      retryMillis: 250,
      ...options,
    };
  }

  /**
   * Takes a source's event. Returns false when it is lost, because the memory is full. From then on every event is lost
   * until `reopen`: a later one must not be stored without a gap record before it.
   * @param changesOf what the event changes in the bridge's memory; not called for a lost event
   */
  take(event: SourceEvent, changesOf: () => MemoryChanges = () => NO_CHANGES): boolean {
    this.#counts.received += 1;
    if (this.#overflow === undefined && this.#waitingBytes + sizeOf(event) <= this.#options.maxBytes) {
      // The changes first: they may note a gap record that stands before the event.
      const changes = changesOf();
      this.#add(event, changes);
      return true;
    }
    this.#counts.lost += 1;
    const at = event.receivedAtEpochMillis;
    const isFirst = this.#overflow === undefined;
    const { count = 0, fromEpochMillis = at } = this.#overflow ?? {};
    this.#overflow = { count: count + 1, fromEpochMillis, toEpochMillis: at };
    if (isFirst) this.#options.onFull();
    return false;
  }

  /**
   * Takes a record of the bridge itself: a gap or a part of a snapshot. The bound does not hold for it, because a gap
   * must be said. The caller bounds snapshots.
   */
  note(record: SpoolRecord, changes: MemoryChanges = NO_CHANGES): void {
    this.#add(record, changes);
  }

  /** Changes the bridge's memory without a record. */
  remember(changes: MemoryChanges): void {
    if (changes.size > 0) this.#add(undefined, changes);
  }

  /** Takes events again. Returns what was lost: write its gap record with `note`, before the next event. */
  reopen(): Overflow | undefined {
    const overflow = this.#overflow;
    this.#overflow = undefined;
    return overflow;
  }

  /** Resolves when nothing waits. */
  idle(): Promise<void> {
    return this.#waiting.length === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#idle.push(resolve));
  }

  progress(): IntakeProgress {
    const waiting = this.#waitingRecords;
    return { ...this.#counts, waiting, waitingBytes: this.#waitingBytes, trouble: this.#trouble };
  }

  /** Gives up what still waits. Await `idle` before, with a limit of time. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#isStopped = true;
  }

  #add(record: SpoolRecord | undefined, changes: MemoryChanges): void {
    const bytes = record === undefined ? 0 : sizeOf(record);
    const transaction = this.#openTransaction(bytes);
    if (record !== undefined) {
      transaction.records.push(record);
      this.#waitingRecords += 1;
    }
    for (const [key, value] of changes) transaction.changes.set(key, value);
    transaction.bytes += bytes;
    this.#waitingBytes += bytes;
    this.#storeIn(this.#options.lingerMillis);
  }

  /** The last transaction, or a new one when that takes no more. */
  #openTransaction(bytes: number): Transaction {
    const last = this.#waiting.at(-1);
    if (last !== undefined && !last.isClosed) {
      const isFull =
        last.records.length >= this.#options.maxTransactionRecords ||
        (last.records.length > 0 && last.bytes + bytes > MAX_TRANSACTION_BYTES);
      if (!isFull) return last;
      last.isClosed = true;
    }
    const transaction: Transaction = { records: [], changes: new Map(), bytes: 0, isClosed: false };
    this.#waiting.push(transaction);
    return transaction;
  }

  #storeIn(millis: number): void {
    if (this.#isStoring || this.#isStopped || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#store();
    }, millis);
  }

  /** Stores all that waits, in one transaction after the other. */
  async #store(): Promise<void> {
    const { spool, retryMillis, onStored } = this.#options;
    this.#isStoring = true;
    try {
      for (;;) {
        const [transaction] = this.#waiting;
        if (transaction === undefined || this.#isStopped) break;
        transaction.isClosed = true;
        const { records, changes, bytes } = transaction;
        const { dropped } = await spool.append(records, changes);
        this.#waiting.shift();
        this.#waitingBytes -= bytes;
        this.#waitingRecords -= records.length;
        this.#counts.stored += records.length;
        this.#counts.dropped += dropped;
        this.#counts.transactions += 1;
        this.#setTrouble(undefined);
        onStored();
      }
      this.#isStoring = false;
      for (const resolve of this.#idle.splice(0)) resolve();
    } catch (error) {
      this.#setTrouble(error);
      this.#isStoring = false;
      this.#storeIn(retryMillis);
    }
  }

  #setTrouble(error: unknown): void {
    const hasChanged = codeOf(error) !== codeOf(this.#trouble);
    this.#trouble = error;
    if (hasChanged) this.#options.onTrouble(error);
  }
}

function sizeOf(record: SpoolRecord): number {
  return record.body.length + RECORD_BYTES;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : error;
}
