import { GROUP_SCENARIOS, type GroupBounds, type GroupScenarioName } from "./scenarios.ts";

/** A rule broken on purpose: the scenario that must find it, and the problem that the counterexample ends with. */
interface WrongVariant {
  readonly name: string;
  readonly harm: string;
  readonly scenario: GroupScenarioName;
  readonly breaks: RegExp;
}

const IS_STUCK = /nothing more can happen|no good end is reachable/;
const OTHER_BATCH = /not the same batch again/;
const TOLD_OTHERWISE = /a person was told/;
const IN_FREED_SEGMENT = /in a freed segment/;

const BASIC = "two appends, two notifiers, two deliverers; a crash, a doubled hint";
const NOTHING_FAILS = "nothing fails: each batch is sent once, in turns that end early";
const DIES_TWICE = "a deliver that dies twice while the feed grows";
const SLOW_HOLDER = "a slow holder while another takes over";
const LOST_ANSWER = "a lost answer";
const NEVER_ANSWERS = "a session that never answers";
const LATE = "a request that outlives its turn, and its time";
const PAUSE = "a person pauses and resumes while the other session goes on";
const SEEK = "a person seeks back while a batch is under way";
const TWO_PEOPLE = "two people: one subscribes and deletes, one pauses";
const SEGMENTS = "seek and subscribe while the group crosses and the sweep frees; a conflict";
const REPAIRS = "the sweep repairs: a lost hint, a deliver that dies";

export const GROUP_VARIANTS = [
  {
    name: "mark before wake",
    harm: "Notify marks the group and dies: the row says that a wake is in flight, but none is.",
    scenario: BASIC,
    breaks: IS_STUCK,
  },
  {
    name: "mark without the version",
    harm: "A slow notify marks a group that was taken and parked since, and so suppresses the next page's wake.",
    scenario: BASIC,
    breaks: IS_STUCK,
  },
  {
    name: "park without second read",
    harm: "A page is appended between the last read and the parking: its notify saw an active group and woke none.",
    scenario: BASIC,
    breaks: IS_STUCK,
  },
  {
    name: "a lease that never expires",
    harm: "Deliver dies while it holds the group: none of its sessions receives anything again.",
    scenario: REPAIRS,
    breaks: IS_STUCK,
  },
  {
    name: "take without the version",
    harm: "The old holder was only slow and has advanced since the group was read: its cursors move back.",
    scenario: SLOW_HOLDER,
    breaks: /moved back/,
  },
  {
    name: "progress written without the version",
    harm: "The holder writes its copy of all cursors and undoes what a person changed since.",
    scenario: PAUSE,
    breaks: TOLD_OTHERWISE,
  },
  {
    name: "a person's change written without the version",
    harm: "Two people act at once: the second write puts back the cursors from before the first one.",
    scenario: TWO_PEOPLE,
    breaks: /no longer in the group|there again|as a person was told/,
  },
  {
    name: "a person's change takes the fence",
    harm: "The turn loses the group: batches of the sessions that nobody touched are sent twice.",
    scenario: PAUSE,
    breaks: /sent twice though nothing failed/,
  },
  {
    name: "progress kept over a seek",
    harm: "A batch from before the seek is accepted, and the cursor jumps over what the person asked for.",
    scenario: SEEK,
    breaks: /and has received/,
  },
  {
    name: "batches begun without a look at the row",
    harm: "A session with a backlog is paused or deleted, and still gets all batches up to `planned`.",
    scenario: PAUSE,
    breaks: TOLD_OTHERWISE,
  },
  {
    name: "planned written after sending",
    harm: "Deliver dies before the write: its successor cuts the messages into other batches, under other ids.",
    scenario: DIES_TWICE,
    breaks: OTHER_BATCH,
  },
  {
    name: "the end of a batch in flight is not written",
    harm: "A write raises `planned` while a batch is in flight: after a crash the batch is cut anew, and longer.",
    scenario: DIES_TWICE,
    breaks: OTHER_BATCH,
  },
  {
    name: "a dead holder's plan is extended",
    harm: "The new holder raises `planned` over batches that the dead one may have sent, and cuts them anew.",
    scenario: DIES_TWICE,
    breaks: OTHER_BATCH,
  },
  {
    name: "a limit passed without a write",
    harm: "The new holder goes beyond the dead one's plan and dies: what it sent there is cut anew.",
    scenario: DIES_TWICE,
    breaks: OTHER_BATCH,
  },
  {
    name: "a hung request holds the group",
    harm: "A turn waits for a request that hangs before it hands the group on: the other sessions wait, too.",
    scenario: NEVER_ANSWERS,
    breaks: IS_STUCK,
  },
  {
    name: "a group handed on without its requests",
    harm: "The next holder does not see that a request is under way, and sends the batch a second time.",
    scenario: NOTHING_FAILS,
    breaks: /sent twice though nothing failed/,
  },
  {
    name: "a late outcome written whatever its number",
    harm: "A request was given up and its batch repeated: its old outcome moves the cursor back.",
    scenario: LATE,
    breaks: /moved back/,
  },
  {
    name: "a late outcome wakes nobody",
    harm: "The session has more to read, and its group was parked while the request was under way.",
    scenario: NOTHING_FAILS,
    breaks: IS_STUCK,
  },
  {
    name: "a take is recognised by its fence",
    harm: "The answer to a take is lost, another turn takes the group: both believe that they hold it.",
    scenario: LOST_ANSWER,
    breaks: OTHER_BATCH,
  },
  {
    name: "a park whose answer is lost ends the turn",
    harm: "The turn takes its own parking for another's and does not read the tail again: a page waits.",
    scenario: LOST_ANSWER,
    breaks: IS_STUCK,
  },
  {
    name: "subscribe without a check of the head",
    harm: "The sweep frees the head's segment between the read and the write: a new cursor stands in a freed segment.",
    scenario: SEGMENTS,
    breaks: IN_FREED_SEGMENT,
  },
  {
    name: "the reference is the fastest cursor's",
    harm: "The segment of a slower session of the group is freed.",
    scenario: SEGMENTS,
    breaks: IN_FREED_SEGMENT,
  },
] as const satisfies readonly WrongVariant[];

export type GroupVariant = (typeof GROUP_VARIANTS)[number]["name"];

/** The bounds of a search, and the rule that is broken on purpose, if any. */
export interface GroupScenario extends GroupBounds {
  readonly variant?: GroupVariant | undefined;
}

/** The scenario that must find a wrong variant. */
export function groupVariantOf({
  name,
  scenario,
}: {
  name: GroupVariant;
  scenario: GroupScenarioName;
}): GroupScenario {
  return { ...GROUP_SCENARIOS[scenario], variant: name };
}
