import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { MessageFormat, NumberedMessage } from "../queue/message.ts";
import type { Page } from "../queue/page.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Step, TimeSlices } from "../runtime/timeSlices.ts";
import { CpuAccount } from "./cpuAccount.ts";
import { isInterested } from "./cursor.ts";
import { type Selection, type SessionFilter, selectionOf } from "./selection.ts";

/**
 * The messages of a page that a session wants.
 * @throws FilterCostError, FilterBusyError
 */
export type Judge = (page: Page) => Promise<readonly NumberedMessage[]>;

/**
 * Makes the judge of a session.
 * @throws EventFilterError when an event filter is malformed, FilterCostError when it has cost too much before
 */
export type JudgeMaker = (
  feed: string,
  format: MessageFormat,
  filter: SessionFilter | undefined,
) => Promise<Judge>;

/** The memory that one process spends on filters. */
const CACHE_BYTES = 32 * 1024 * 1024;

/** Filters whose CPU time is remembered, also when they are no longer in memory. */
const KNOWN_ACCOUNTS = 10_000;

/** A slice is longer than this only when a single step is: such steps leave the others as much time as slow filters do. */
const LONG_STEP_MILLIS = 10;

/** A turn that waits longer takes the place of a session that can be served. */
const PATIENCE_MILLIS = 1_000;

/** Enough to overdraw an account. */
const SLOW_PATIENCE_MILLIS = 3_000;

/** Slow filters together get one part of the process's time in this many. */
const SLOW_SHARE = 4;

/**
 * Judges for all turns of a process. Each filter is compiled once for the sessions that share it; the most recently used
 * are kept.
 *
 * Regular expressions may take long. Their work is done in slices, so that everything else goes on between them. Those
 * that take too much for their text share a quarter of the process, one at a time, until their account is overdrawn.
 * The account is that of the filter on its feed: the texts of another feed do not count.
 * @param cpuMillis the CPU time that this thread has used
 */
export function createJudges(cpuMillis: () => number, clock: Clock, maxBytes = CACHE_BYTES): JudgeMaker {
  const compiled = new LRUCache<string, Selection>({
    maxSize: maxBytes,
    sizeCalculation: ({ bytes }) => Math.ceil(bytes),
  });
  const accounts = new LRUCache<string, CpuAccount>({ max: KNOWN_ACCOUNTS });
  const longRest = (spentMillis: number) => clock.sleep((SLOW_SHARE - 1) * spentMillis);
  const rest = (spentMillis: number) => (spentMillis > LONG_STEP_MILLIS ? longRest(spentMillis) : nextPass());
  const ordinary = new TimeSlices({ cpuMillis, clock, rest, patienceMillis: PATIENCE_MILLIS });
  const slow = new TimeSlices({ cpuMillis, clock, rest: longRest, patienceMillis: SLOW_PATIENCE_MILLIS });

  const accountOf = (key: string) => {
    const digest = hash("sha256", key);
    const account = accounts.get(digest) ?? new CpuAccount();
    accounts.set(digest, account);
    return account;
  };
  const compile = async (
    work: (step: Step) => Promise<void>,
    format: MessageFormat,
    filter: SessionFilter,
  ) => {
    const key = JSON.stringify([format, filter]);
    let selection = compiled.get(key);
    if (selection !== undefined) return selection;
    await work(() => {
      selection = compiled.get(key) ?? selectionOf(format, filter);
      compiled.set(key, selection);
      return true;
    });
    return selection ?? selectionOf(format, filter);
  };

  return async (feed, format, filter) => {
    // The others look up names: they need neither a cache nor an account.
    if (filter?.eventFilters === undefined) return judgeAtOnce(selectionOf(format, filter));
    const account = accountOf(JSON.stringify([feed, format, filter]));
    const work = async (step: Step) => {
      account.refuseOverdrawn();
      const slices = account.isSlow ? slow : ordinary;
      if (slices === slow && slow.isBusy) throw account.busy();
      if (!(await slices.run(feed, step))) throw account.busy();
    };
    const selection = await compile(work, format, filter);
    const wants = (message: Page["messages"][number]) => {
      const startedAt = cpuMillis();
      try {
        return selection.wants(message);
      } finally {
        account.add(cpuMillis() - startedAt, message.ami?.text.length ?? 0);
      }
    };
    return async (page) => {
      const wanted: NumberedMessage[] = [];
      if (!isInterested(selection, page.names)) return wanted;
      let index = 0;
      while (index < page.messages.length) {
        const { isSlow } = account;
        await work(() => {
          account.refuseOverdrawn();
          const message = page.messages[index];
          if (message !== undefined && wants(message)) wanted.push({ sequence: page.first + index, message });
          index += 1;
          return index >= page.messages.length || account.isSlow !== isSlow;
        });
      }
      return wanted;
    };
  };
}

function judgeAtOnce(selection: Selection): Judge {
  return async (page) => {
    const wanted: NumberedMessage[] = [];
    if (!isInterested(selection, page.names)) return wanted;
    for (const [index, message] of page.messages.entries())
      if (selection.wants(message)) wanted.push({ sequence: page.first + index, message });
    return wanted;
  };
}

/** The event loop's next pass, after what is due now was served. */
function nextPass(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
