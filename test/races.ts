import type { ScenarioName } from "./spec/scenarios.ts";

/**
 * A closed race: an order of events that would lose, double or reorder a message if it were open. This is the only list of
 * races. `npm run spec` takes its wrong variants from this list, and `npm run mutants` its mutants.
 */
export interface Race {
  readonly name: string;
  /** The failure while the race is open, in a sentence. */
  readonly harm: string;
  /** The scenario that finds the model's variant of this name, and the problem that the counterexample ends with. */
  readonly model: { readonly scenario: ScenarioName; readonly breaks: RegExp } | Reason;
  /** A small change of the production code that reopens the race. */
  readonly mutant: Edit | Reason;
  /** The test that must catch the mutant. */
  readonly test: {
    readonly file: string;
    /** The full title (vitest joins those of `describe` and `it`), or a part of it. */
    readonly title: string;
  };
}

/** The reason for having no variant or no mutant. */
interface Reason {
  readonly none: string;
}

export interface Edit {
  /** Path from the project's root. */
  readonly file: string;
  /** Text that the file contains exactly once. */
  readonly find: string;
  readonly replace: string;
}

const MEMORY = "test/proof/memory.test.ts";
const APPEND = "test/proof/append.test.ts";
const STORES = "test/proof/stores.test.ts";
const CURSOR_WRITES = "test/pipeline/cursorWrites.test.ts";
const ANSWERS = "test/proof/groupAnswers.test.ts";

const WITHOUT_SWEEP = {
  file: MEMORY,
  title: "loses nothing in many schedules without a sweep: two notifiers, two deliverers, three appends",
};
const AFTER_SWEEP = {
  file: MEMORY,
  title: "loses nothing once the sweep has run: crashes, lost hints and expired leases",
};

const NOTIFIERS_AND_DELIVERERS = "two appends, two notifiers, two deliverers; a crash";
const SEARCHED_TAIL = "freeing while an ingest searches the tail";
const CACHED_TAILS = "two ingests with cached tails, and freeing";
const SLOW_HOLDER = "a slow holder while another takes over";
const SUBSCRIBER = "subscribe at the head while the sweep frees";
const REPAIRS = "the sweep repairs: a lost hint, a deliver that dies";

const IS_STUCK = /nothing more can happen/;
const NUMBER_TWICE = /a number is assigned twice/;
const IN_FREED_SEGMENT = /in a freed segment/;
const COUNTS_DIFFER = /references of/;

export const RACES = [
  {
    name: "mark before wake",
    harm: "Notify marks a row and dies: the row says that a wake is in flight, but none is.",
    model: { scenario: NOTIFIERS_AND_DELIVERERS, breaks: IS_STUCK },
    mutant: {
      file: "shared/sessions/wake.ts",
      find: `    const sent = await send(some);
    await Promise.all(sent.map(mark));
`,
      replace: `    await Promise.all(some.map(mark));
    const sent = await send(some);
`,
    },
    test: WITHOUT_SWEEP,
  },
  {
    name: "mark without fence",
    harm: "A slow notify marks a row that was taken and parked again since, and so suppresses the next page's wake.",
    model: { scenario: NOTIFIERS_AND_DELIVERERS, breaks: IS_STUCK },
    mutant: {
      file: "shared/sessions/cursor.ts",
      find: `    states,
    fence,
`,
      replace: `    states,
    ...((change.state === "signalled" ? {} : { fence }) as { fence: number }),
`,
    },
    test: WITHOUT_SWEEP,
  },
  {
    name: "park without second read",
    harm: "A page is appended between the last read and the parking: its notify saw an active row and woke no session.",
    model: { scenario: NOTIFIERS_AND_DELIVERERS, breaks: IS_STUCK },
    mutant: {
      file: "shared/sessions/turn.ts",
      find: `      batch = await this.#plan();
    } while (batch !== undefined);
`,
      replace: `      batch = undefined;
    } while (batch !== undefined);
`,
    },
    test: WITHOUT_SWEEP,
  },
  {
    name: "notify with stale reads",
    harm: "Notify reads the row from before it was parked, and does not wake the session.",
    model: { scenario: NOTIFIERS_AND_DELIVERERS, breaks: IS_STUCK },
    mutant: {
      file: "shared/aws/queryAll.ts",
      find: "new QueryCommand({ ...input, ConsistentRead: true, ExclusiveStartKey: from })",
      replace: "new QueryCommand({ ...input, ExclusiveStartKey: from })",
    },
    test: { file: STORES, title: "wakes a session that parked just now" },
  },
  {
    name: "append without recognising its own page",
    harm: "The response to a put is lost. The retry takes its own page for another writer's and appends again.",
    model: {
      scenario: "a put whose response is lost, against another ingest",
      breaks: /an event is appended twice/,
    },
    mutant: {
      file: "functions/ingest/append.ts",
      find: "return result.written || result.winner.appendId === page.appendId;",
      replace: "return result.written;",
    },
    test: { file: APPEND, title: "recognise their own page when the response to its put was lost" },
  },
  {
    name: "page that drops a producer before the archive has it",
    harm: "Ingest dies between the page and the archive: nobody remembers the producer, and a resend is appended twice.",
    model: { none: "The model's events have no producers; test/proof/ tries the orders of the real code." },
    mutant: {
      file: "functions/ingest/append.ts",
      find: `        await archiveDropped(store, tail, page, deadline);
        if (deadline.aborted) throw this.#timedOut(feed);
        if (!(await this.#put(feed, tail, page, deadline))) {
`,
      replace: `        const isPut = await this.#put(feed, tail, page, deadline);
        await archiveDropped(store, tail, page, deadline);
        if (!isPut) {
`,
    },
    test: {
      file: APPEND,
      title: "has a trail that a page drops, also when the process dies right after the page",
    },
  },
  {
    name: "archive read before the tail",
    harm: "A page up to the tail dropped the producer after the archive was read: a resend is appended twice.",
    model: { none: "The model's events have no producers; test/proof/ tries the orders of the real code." },
    mutant: {
      file: "functions/ingest/producerMemory.ts",
      find: `  return { ...tail, archived: remembered(await memory.readArchives(tail.feed), nowEpochMillis) };
`,
      replace: `  const once = work as { archives?: ProducerArchive[] };
  once.archives ??= await memory.readArchives(tail.feed);
  return { ...tail, archived: remembered(once.archives, nowEpochMillis) };
`,
    },
    test: { file: APPEND, title: "is read again after a lost race" },
  },
  {
    name: "archive without its version",
    harm: "Two processes archive for one key at once: the second write removes what the first one archived.",
    model: { none: "The model's events have no producers; test/proof/ tries the orders of the real code." },
    mutant: {
      file: "functions/ingest/producerMemory.ts",
      find: "isDone = changed === undefined || (await memory.putArchive(feed, changed, expiresAtEpochSeconds));",
      replace: `if (changed !== undefined) await memory.putArchive(feed, changed, expiresAtEpochSeconds);
      isDone = true;`,
    },
    test: { file: APPEND, title: "keeps what two processes archive at once for the same key" },
  },
  {
    name: "search of the tail without a second look at the head",
    harm: "A segment is freed between two reads of the search: the full segment before it is taken for the tail.",
    model: { scenario: SEARCHED_TAIL, breaks: NUMBER_TWICE },
    mutant: {
      file: "shared/queue/tail.ts",
      find: `      isMissing = following === undefined;
`,
      replace: "",
    },
    test: {
      file: "test/unit/queue/tail.test.ts",
      title: "does not take a full segment for the tail whose successor was freed between the two reads",
    },
  },
  {
    name: "delete pages in any order",
    harm: "A freed segment loses its last page first: a search from the old head takes the page before it for the tail.",
    model: { scenario: SEARCHED_TAIL, breaks: NUMBER_TWICE },
    mutant: {
      file: "shared/aws/pages.ts",
      find: "[pageKeys.slice(0, -1), pageKeys.slice(-1)]",
      replace: "[pageKeys]",
    },
    test: {
      file: "test/proof/faults.test.ts",
      title: "the segment's last page is deleted after all the others",
    },
  },
  {
    name: "free without grace",
    harm: "A writer acts on a tail read before the segment was freed, and assigns a freed number again.",
    model: { scenario: CACHED_TAILS, breaks: NUMBER_TWICE },
    mutant: {
      file: "functions/sweep/free.ts",
      find: "return last === undefined || nowEpochMillis - last.appendedAtEpochMillis > freeGraceMillis;",
      replace:
        "return last === undefined || nowEpochMillis - last.appendedAtEpochMillis >= Math.min(0, freeGraceMillis);",
    },
    test: { file: APPEND, title: "nothing is freed while a writer may still use its cached tail" },
  },
  {
    name: "grace of one append only",
    harm: "The put that closed the segment was itself in flight for long, so the grace ends too early.",
    model: { scenario: CACHED_TAILS, breaks: NUMBER_TWICE },
    mutant: {
      file: "shared/runtime/settings.ts",
      find: "settings.freeGraceMillis <= settings.tailCacheMillis + 2 * settings.appendTimeoutMillis",
      replace: "settings.freeGraceMillis <= settings.tailCacheMillis + settings.appendTimeoutMillis",
    },
    test: {
      file: "test/unit/runtime/settings.test.ts",
      title: "refuses at the border what RELAY_FREE_GRACE_SECONDS breaks",
    },
  },
  {
    name: "free with the counts checked before the transaction",
    harm: "A session enters the segment between the check and the move of the head, and stands in a freed segment.",
    model: { scenario: SUBSCRIBER, breaks: IN_FREED_SEGMENT },
    mutant: {
      file: "shared/aws/heads.ts",
      find: `    const shards = Array.from({ length: REFERENCE_SHARDS }, (_, shard) => shard);
    try {
`,
      replace: `    const every = Array.from({ length: REFERENCE_SHARDS }, (_, shard) => shard);
    for (const shard of every) {
      const Key = keys.reference(feed, segment, shard);
      const { Item } = await this.#documents.send(
        new GetCommand({ TableName: this.#table, Key, ConsistentRead: true }),
      );
      if (Item && Item.count !== 0) return false;
    }
    const shards: number[] = [];
    try {
`,
    },
    test: { file: STORES, title: "does not happen when a session enters the segment at the last moment" },
  },
  {
    name: "count moved outside the transaction",
    harm: "Deliver dies between the row and the count: a segment is never freed, or freed under a session.",
    model: {
      scenario: "seek while deliver crosses and the sweep frees; a conflict",
      breaks: COUNTS_DIFFER,
    },
    mutant: {
      file: "shared/aws/cursors.ts",
      find: `    const others = [...crossing, ...alongside];
`,
      replace: `    const others = [...alongside];
    for (const item of crossing)
      await this.#documents.send(new TransactWriteCommand({ TransactItems: [item] }));
`,
    },
    test: { file: STORES, title: "leaves counts that equal the cursors when the process dies" },
  },
  {
    name: "cursor advanced before the endpoint accepted",
    harm: "Deliver dies after the write and before the request: those messages are never sent.",
    model: { scenario: SLOW_HOLDER, breaks: /and has received/ },
    mutant: {
      file: "shared/sessions/turn.ts",
      find: `        const lane = await this.#send(batch);
`,
      replace: `        const before = this.#cursor;
        this.#pass(batch, before.lane);
        await this.#write(advance(this.#cursor, this.#lease(undefined)));
        this.#cursor = { ...this.#cursor, next: before.next, previous: before.previous, gap: before.gap };
        const lane = await this.#send(batch);
`,
    },
    test: AFTER_SWEEP,
  },
  {
    name: "take over without naming the lease",
    harm: "The old holder was only slow and has advanced since the row was read: the new holder moves the cursor back.",
    model: { scenario: SLOW_HOLDER, breaks: /moved back/ },
    mutant: {
      file: "shared/sessions/cursor.ts",
      find: "...(takesOver && leaseUntilEpochMillis !== undefined ? { leaseUntilEpochMillis } : {}),",
      replace: "",
    },
    test: { file: CURSOR_WRITES, title: "does not take the row over from a holder that was only slow" },
  },
  {
    name: "write without naming the segment",
    harm: "A person's change removes the reference from a segment that the session has already left.",
    model: { scenario: "remove one of two sessions", breaks: COUNTS_DIFFER },
    mutant: {
      file: "shared/sessions/cursor.ts",
      find: `    fence,
    segment,
`,
      replace: `    fence,
    ...({} as { segment: number }),
`,
    },
    test: {
      file: CURSOR_WRITES,
      title: "does not take the reference out of the segment that the session has left",
    },
  },
  {
    name: "subscribe without a check of the head",
    harm: "The sweep frees the head's segment between the read and the creation: the session begins in a freed segment.",
    model: { scenario: SUBSCRIBER, breaks: IN_FREED_SEGMENT },
    mutant: {
      file: "shared/aws/references.ts",
      find: `        UpdateExpression: "ADD singlesCreated :one REMOVE isAllGrouped",
        ConditionExpression: "headSegment <= :segment",
        ExpressionAttributeValues: { ":segment": segment, ":one": 1 },
`,
      replace: `        UpdateExpression: "ADD singlesCreated :one REMOVE isAllGrouped",
        ExpressionAttributeValues: { ":one": 1 },
`,
    },
    test: {
      file: "test/proof/functions.test.ts",
      title: "subscribes at the head while the sweep frees it: the session begins in a held segment",
    },
  },
  {
    name: "position written ahead of what was received",
    harm: "An AMI client's network is cut: what was in flight is lost, although the row says that it was received.",
    model: { none: "The model's connections send and receive in one step: it has no network to cut." },
    mutant: {
      file: "gateway/store/durablePosition.ts",
      find: "const done = isReceived ? this.#progress.newest : this.#progress.settled(now);",
      replace: "const done = this.#progress.newest;",
    },
    test: {
      file: "test/gateway/store/positions.test.ts",
      title:
        "is written a few seconds after what was sent, so a cut connection is given its last seconds again",
    },
  },
  {
    name: "connection goes on behind a gap without telling it",
    harm: "The sweep evicts an AMI user while it is connected: the connection takes the row again and skips the gap.",
    model: { none: "The model's evictions tell their gap in the same step." },
    mutant: {
      file: "gateway/store/durablePosition.ts",
      find: "if (this.#progress.newest.next < evicted.next) this.#gapToTell = evicted.gap;",
      replace: "",
    },
    test: {
      file: "test/gateway/store/positions.test.ts",
      title: "is given the gap while it is connected, and goes on behind it",
    },
  },
  {
    name: "a group's count moved outside the transaction",
    harm: "The answer of a crossing is lost, or deliver dies in it: a segment is never freed, or freed under a group.",
    model: { none: "A group's write moves its reference in the same step of the model." },
    mutant: {
      file: "shared/aws/cursorGroups.ts",
      find: `    const others = this.#others(read, to === from ? [] : [{ owner, from, to }], alongside);
`,
      replace: `    const others = this.#others(read, [], alongside);
    for (const item of this.#references.move(feed, to === from ? [] : [{ owner, from, to }]))
      await this.#documents.send(new TransactWriteCommand({ TransactItems: [item] }));
`,
    },
    test: {
      file: ANSWERS,
      title: "three times ends the turn; the next one repeats what was not written, and counts nothing twice",
    },
  },
  {
    name: "a late outcome whose answer is lost wakes nobody",
    harm: "The retry finds the outcome written and takes it for another's: the session waits for the sweep.",
    model: { none: "The model's late outcomes are written and answered in one step." },
    mutant: {
      file: "shared/groups/lateRequests.ts",
      find: "      if (tries === 1) return;",
      replace: "      if (tries > 0) return;",
    },
    test: { file: ANSWERS, title: "whose answer is lost still sends the wake that its session needs" },
  },
  {
    name: "a group that cannot be read stops its feed",
    harm: "A release is rolled back after it wrote rows of a new version: all sessions of their feeds get nothing.",
    model: { none: "The model's rows can always be read." },
    mutant: {
      file: "shared/aws/groupItems.ts",
      find: "if (!(error instanceof GroupUnreadableError)) throw error;",
      replace: "if (error) throw error;",
    },
    test: {
      file: "test/proof/unreadableGroup.test.ts",
      title: "stops neither notify nor the sweep for the others of its feed, and no session joins it",
    },
  },
  {
    name: "freed under a group that cannot be read",
    harm: "A row is damaged together with its count: what its sessions have not received is freed.",
    model: { none: "The model's rows can always be read." },
    mutant: {
      file: "shared/groups/unreadable.ts",
      find: "reference?.segment ?? 0",
      replace: "reference?.segment ?? Number.POSITIVE_INFINITY",
    },
    test: {
      file: "test/unit/sweep/sweep.test.ts",
      title: "keeps its segment although its count is gone, and everything when nobody knows its segment",
    },
  },
  {
    name: "a batch ends where one read met an unreadable page",
    harm: "Before a damaged page, batches depend on what a process has in its cache: after a crash they overlap.",
    model: { none: "The model's pages can always be read." },
    mutant: {
      file: "shared/queue/pageReader.ts",
      find: "if (error instanceof PageUnreadableError && pages.length > 0) return pages;",
      replace: "",
    },
    test: {
      file: "test/unit/queue/pageReader.test.ts",
      title:
        "returns the pages before one that it cannot read, and those after it to whoever stands behind it",
    },
  },
  {
    name: "a tail that stays at an unreadable page",
    harm: "A session is sought past the page while the turn that met it holds the group: nobody wakes the session.",
    model: { none: "The model's pages can always be read." },
    mutant: {
      file: "shared/groups/groupTurn.ts",
      find: "Math.max(this.#tail.last, planned, ",
      replace: "this.#tail.last > 0 ? this.#tail.last : Math.max(planned, ",
    },
    test: {
      file: "test/proof/groupPages.test.ts",
      title:
        "hides nothing from a session that is sought past it while the turn that met it still holds the group",
    },
  },
  {
    name: "lease never expires",
    harm: "Deliver dies while it holds the lease: its session never receives anything again.",
    model: { scenario: REPAIRS, breaks: /no good end is reachable/ },
    mutant: {
      file: "shared/sessions/cursor.ts",
      find: "return isLeaseExpired(cursor, nowEpochMillis);",
      replace: "return nowEpochMillis < 0;",
    },
    test: AFTER_SWEEP,
  },
  {
    name: "sweep off while hints are lost",
    harm: "SQS loses a hint: the session waits until the feed's next event, perhaps forever.",
    model: { scenario: REPAIRS, breaks: IS_STUCK },
    mutant: {
      file: "functions/sweep/sweep.ts",
      find: "await repairWakes(parts, tail, cursors, moved);",
      replace: "await repairWakes(parts, tail, [], moved);",
    },
    test: AFTER_SWEEP,
  },
] as const satisfies readonly Race[];

export type RaceName = (typeof RACES)[number]["name"];

/** Names of the races that the model can open. Its rules compare with these names. */
export type Variant = Extract<(typeof RACES)[number], { model: { scenario: ScenarioName } }>["name"];

/** The wrong variants of the model. */
export const VARIANTS = (RACES as readonly Race[]).flatMap(({ name, model }) =>
  "scenario" in model ? [{ ...model, name: name as Variant }] : [],
);

/** The mutants, with the tests that must catch them. */
export const MUTANTS = (RACES as readonly Race[]).flatMap(({ name, mutant, test }) =>
  "file" in mutant ? [{ ...mutant, name, test }] : [],
);
