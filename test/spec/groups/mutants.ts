import type { Race } from "../../races.ts";
import { GROUP_VARIANTS, type GroupVariant } from "./variants.ts";

/** For each wrong variant of cursor groups, the same change of the code, and the test that must catch it. */
const MUTANT_OF: Readonly<Record<GroupVariant, Pick<Race, "mutant" | "test">>> = {
  "mark before wake": {
    mutant: {
      file: "shared/sessions/wake.ts",
      find: `    const sent = await send(some);
    await Promise.all(sent.map(mark));
`,
      replace: `    await Promise.all(some.map(mark));
    const sent = await send(some);
`,
    },
    test: inFile("test/unit/groups/wakeGroups.test.ts", "sends the wakes before it marks the rows"),
  },
  "mark without the version": {
    mutant: versionLeftOut("isMark"),
    test: inStore("needs the version and a parked row"),
  },
  "park without second read": {
    mutant: {
      file: "shared/groups/groupTurn.ts",
      find: `      if (taken === "lost" || (await this.#serve()) === "ended") return;`,
      replace: `      if (taken === "taken") await this.#serve();
      return;`,
    },
    test: inTurn("reads the tail again after parking"),
  },
  "a lease that never expires": {
    mutant: {
      file: "shared/groups/group.ts",
      find: `group.state !== "active" || isLeaseExpired(group, nowEpochMillis)`,
      replace: `group.state !== "active"`,
    },
    test: inRules("may be taken when it is parked or signalled, or its lease has expired"),
  },
  "take without the version": {
    mutant: versionLeftOut("change.holder !== undefined"),
    test: inStore("does not take the group over from a holder that was only slow"),
  },
  "progress written without the version": {
    mutant: versionLeftOut(`"planned" in change && change.holder === undefined`),
    test: inStore("that is refused returns the row as it is"),
  },
  "a person's change written without the version": {
    mutant: versionLeftOut(`!isMark && !("planned" in change)`),
    test: inStore("two at once: one is refused"),
  },
  "a person's change takes the fence": {
    mutant: {
      file: "shared/groups/group.ts",
      find: `  return written(read, { cursors: { ...read.cursors, ...changed } });`,
      replace: `  return {
    ...written(read, { cursors: { ...read.cursors, ...changed } }),
    ...{ fence: read.fence + 1, state: "parked" as const, holder: undefined },
  };`,
    },
    test: inTurn("who pauses a session with a backlog stops it before its next batch"),
  },
  "progress kept over a seek": {
    mutant: {
      file: "shared/groups/mergeRefused.ts",
      find: `  if (own.generation !== row.generation) return row;
`,
      replace: "",
    },
    test: inFile(
      "test/unit/groups/mergeRefused.test.ts",
      "drops the progress of a session that somebody moved",
    ),
  },
  "batches begun without a look at the row": {
    mutant: {
      file: "shared/groups/groupTurn.ts",
      find: `const seen = await this.#held.look();`,
      replace: `const seen = "same" as Awaited<ReturnType<HeldGroup["look"]>>;`,
    },
    test: inTurn("who pauses a session with a backlog stops it before its next batch"),
  },
  "planned written after sending": {
    mutant: {
      file: "shared/groups/permission.ts",
      find: `const end = cursor.limit ?? planned;`,
      replace: `const end = cursor.limit ?? (planned && planned + 1_000);`,
    },
    test: inTurn("is followed by one that sends the same batches under the same ids"),
  },
  "the end of a batch in flight is not written": {
    mutant: {
      file: "shared/groups/groupCursor.ts",
      find: `  const { last, tellsGap } = batch;
  return { ...cursor, batchLast: tellsGap ? undefined : last };`,
      replace: `  return { ...cursor, batchLast: batch.tellsGap ? undefined : cursor.batchLast };`,
    },
    test: inFile(
      "test/unit/groups/groupCursor.test.ts",
      "keeps its end from the beginning until it is accepted",
    ),
  },
  "a dead holder's plan is extended": {
    mutant: {
      file: "shared/groups/group.ts",
      find: `: { ...cursor, limit: planned };`,
      replace: `: cursor;`,
    },
    test: inRules("keeps a dead holder's plan as the limit of the cursors behind it"),
  },
  "a limit passed without a write": {
    mutant: {
      file: "shared/groups/groupCursor.ts",
      find: `    next: last + 1,
    batchLast: undefined,`,
      replace: `    next: last + 1,
    limit: undefined,
    batchLast: undefined,`,
    },
    test: inFile(
      "test/unit/groups/groupCursor.test.ts",
      "that is accepted moves the cursor and ends its failures",
    ),
  },
  "a hung request holds the group": {
    mutant: {
      file: "shared/groups/groupTurn.ts",
      find: `      const late = this.#requests.sent();`,
      replace: `      await this.#requests.ended();
      this.#takeOutcomes();
      const late = this.#requests.sent();`,
    },
    test: inTurn("holds up neither the others' next page nor the end of the turn"),
  },
  "a group handed on without its requests": {
    mutant: {
      file: "shared/groups/groupTurn.ts",
      find: `await this.#park(new Map(late.map((each) => [each.session, untilOf(each)])));`,
      replace: `await this.#park(new Map(late.slice(0, 0).map((each) => [each.session, untilOf(each)])));`,
    },
    test: inTurn("holds up neither the others' next page nor the end of the turn"),
  },
  "a late outcome written whatever its number": {
    mutant: {
      file: "shared/groups/group.ts",
      find: `    if (cursor.generation !== generation || cursor.requests !== number) continue;`,
      replace: `    if (cursor.generation !== generation || number < 0) continue;`,
    },
    test: inRules("no longer counts when the session was moved or deleted, or the request was given up"),
  },
  "a late outcome wakes nobody": {
    mutant: {
      file: "shared/groups/lateRequests.ts",
      find: `  await sendWakes(wakes, { feed, group }, `,
      replace: `  if (nowEpochMillis < 0) await sendWakes(wakes, { feed, group }, `,
    },
    test: inTurn("holds up neither the others' next page nor the end of the turn"),
  },
  "a take is recognised by its fence": {
    mutant: {
      file: "shared/groups/heldGroup.ts",
      find: `    return state === "active" && holder === this.#token;`,
      replace: `    return state === "active" && holder !== undefined;`,
    },
    test: inTurn("two turns that read the group at the same time: one serves it, the other ends"),
  },
  "a park whose answer is lost ends the turn": {
    mutant: {
      file: "shared/groups/heldGroup.ts",
      find: `isWritten || (row?.holder === this.#token && row.state !== "active");`,
      replace: `isWritten;`,
    },
    test: inTurn("also reads the tail again when the answer of its parking is lost"),
  },
  "subscribe without a check of the head": {
    mutant: {
      file: "shared/aws/cursorGroups.ts",
      find: `return this.change(read, change, { mustBeHeld: change.segment, ...alongside });`,
      replace: `return this.change(read, change, alongside);`,
    },
    test: inStore("cannot begin in a segment that is freed"),
  },
  "the reference is the fastest cursor's": {
    mutant: {
      file: "shared/groups/group.ts",
      find: `segmentOf(Math.min(...Object`,
      replace: `segmentOf(Math.max(...Object`,
    },
    test: inRules("is in the segment of its slowest cursor"),
  },
};

/** The mutants of cursor groups, in the form of the others. */
export const GROUP_MUTANTS = GROUP_VARIANTS.flatMap(({ name }) => {
  const { mutant, test } = MUTANT_OF[name];
  return "file" in mutant ? [{ ...mutant, name: `groups: ${name}`, test }] : [];
});

/** @param isOpened code that says which writes no longer name the version */
function versionLeftOut(isOpened: string) {
  return {
    file: "shared/aws/groupItems.ts",
    find: "ConditionExpression: `#version = :versionRead${isMark",
    replace: `ConditionExpression: \`\${${isOpened} ? "attribute_exists(pk) OR " : ""}#version = :versionRead\${isMark`,
  };
}

function inFile(file: string, title: string) {
  return { file, title };
}

function inRules(title: string) {
  return inFile("test/unit/groups/group.test.ts", title);
}

function inTurn(title: string) {
  return inFile("test/proof/groupTurn.test.ts", title);
}

function inStore(title: string) {
  return inFile("test/proof/groupStore.test.ts", title);
}
