import type { Mutant } from "./mutant.ts";

const WAKE = "test/proof/memory.test.ts";
const APPEND = "test/proof/append.test.ts";
const STORES = "test/proof/stores.test.ts";
const CURSOR_WRITES = "test/pipeline/cursorWrites.test.ts";

const WITHOUT_SWEEP = {
  file: WAKE,
  title: "loses nothing in many schedules of two notifiers, two deliverers, three appends, without any sweep",
};
const AFTER_SWEEP = {
  file: WAKE,
  title: "has repaired everything after the sweep: crashes, lost hints and leases that run out",
};

/** Each of these has lost, doubled or reordered messages in the model (spec/), or would. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "mark before wake",
    file: "shared/sessions/wake.ts",
    find: `    const sent = await parts.wakes.sendWakes(rows.slice(from, from + ROWS_AT_ONCE));
    await Promise.all(
      sent.map((cursor) => write(parts, cursor, changeOf(cursor, parts.clock.nowEpochMillis()))),
    );
`,
    replace: `    const some = rows.slice(from, from + ROWS_AT_ONCE);
    await Promise.all(
      some.map((cursor) => write(parts, cursor, changeOf(cursor, parts.clock.nowEpochMillis()))),
    );
    const sent = await parts.wakes.sendWakes(some);
`,
    test: WITHOUT_SWEEP,
  },
  {
    name: "mark without fence",
    file: "shared/sessions/cursor.ts",
    find: `    states,
    fence,
`,
    replace: `    states,
    ...((change.state === "signalled" ? {} : { fence }) as { fence: number }),
`,
    test: WITHOUT_SWEEP,
  },
  {
    name: "park without the second read",
    file: "shared/sessions/turn.ts",
    find: `      batch = await this.#plan();
    } while (batch !== undefined);
`,
    replace: `      batch = undefined;
    } while (batch !== undefined);
`,
    test: WITHOUT_SWEEP,
  },
  {
    name: "eventually consistent read in notify",
    file: "shared/aws/queryAll.ts",
    find: "new QueryCommand({ ...input, ConsistentRead: true, ExclusiveStartKey: from })",
    replace: "new QueryCommand({ ...input, ExclusiveStartKey: from })",
    test: { file: STORES, title: "wakes a session that parked just now" },
  },
  {
    name: "append without recognising its own lost reply",
    file: "functions/ingest/append.ts",
    find: "return result.written || result.winner.appendId === page.appendId;",
    replace: "return result.written;",
    test: { file: APPEND, title: "recognise their own page when the answer to its put was lost" },
  },
  {
    name: "free without the grace",
    file: "functions/sweep/free.ts",
    find: "return last === undefined || clock.nowEpochMillis() - last.appendedAtEpochMillis > settings.freeGraceMillis;",
    replace:
      "return last === undefined || clock.nowEpochMillis() - last.appendedAtEpochMillis >= Math.min(0, settings.freeGraceMillis);",
    test: { file: APPEND, title: "while a writer may still act on its tail, nothing is freed" },
  },
  {
    name: "free without the transaction",
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
    test: { file: STORES, title: "leaves it to a session that comes into it at the last moment" },
  },
  {
    name: "count moved outside the transaction",
    file: "shared/aws/cursors.ts",
    find: `    const others = [...crossing, ...alongside];
`,
    replace: `    const others = [...alongside];
    for (const item of crossing)
      await this.#documents.send(new TransactWriteCommand({ TransactItems: [item] }));
`,
    test: { file: STORES, title: "leaves counts that equal the cursors when the process dies" },
  },
  {
    name: "cursor advanced before the endpoint accepted",
    file: "shared/sessions/turn.ts",
    find: `        const lane = await this.#send(batch);
`,
    replace: `        const before = this.#cursor;
        this.#pass(batch, before.lane);
        await this.#write(advance(this.#cursor, this.#lease(undefined)));
        this.#cursor = { ...this.#cursor, next: before.next, previous: before.previous, gap: before.gap };
        const lane = await this.#send(batch);
`,
    test: AFTER_SWEEP,
  },
  {
    name: "lease never expires",
    file: "shared/sessions/cursor.ts",
    find: "return (cursor.leaseUntilEpochMillis ?? 0) <= nowEpochMillis;",
    replace: "return nowEpochMillis < 0;",
    test: AFTER_SWEEP,
  },
  {
    name: "sweep off while hints are lost",
    file: "functions/sweep/sweep.ts",
    find: "await repair(parts, tail, cursors, new Map([...crossed, ...evicted]));",
    replace: "await repair(parts, tail, [], new Map([...crossed, ...evicted]));",
    test: AFTER_SWEEP,
  },
  {
    name: "take over without naming the lease",
    file: "shared/sessions/cursor.ts",
    find: "...(takesOver && leaseUntilEpochMillis !== undefined ? { leaseUntilEpochMillis } : {}),",
    replace: "",
    test: { file: CURSOR_WRITES, title: "does not take the row over from a holder that was only slow" },
  },
  {
    name: "write without naming the segment",
    file: "shared/sessions/cursor.ts",
    find: `    fence,
    segment,
`,
    replace: `    fence,
    ...({} as { segment: number }),
`,
    test: {
      file: CURSOR_WRITES,
      title: "does not take the reference out of the segment that the session has left",
    },
  },
  {
    name: "search of the tail without a second look at the head",
    file: "shared/queue/tail.ts",
    find: `      isMissing = following === undefined;
`,
    replace: "",
    test: {
      file: "test/unit/queue/tail.test.ts",
      title: "does not take a full segment for the tail whose successor was freed between the two reads",
    },
  },
  {
    name: "grace of one append only",
    file: "shared/runtime/settings.ts",
    find: "settings.freeGraceMillis <= settings.tailCacheMillis + 2 * settings.appendTimeoutMillis",
    replace: "settings.freeGraceMillis <= settings.tailCacheMillis + settings.appendTimeoutMillis",
    test: {
      file: "test/unit/runtime/settings.test.ts",
      title: "refuses at the border what RELAY_FREE_GRACE_SECONDS breaks",
    },
  },
  {
    name: "delete pages in any order",
    file: "shared/aws/pages.ts",
    find: "[pageKeys.slice(0, -1), pageKeys.slice(-1)]",
    replace: "[pageKeys]",
    test: {
      file: "test/proof/faults.test.ts",
      title: "the segment's last page goes after all others are gone",
    },
  },
];
