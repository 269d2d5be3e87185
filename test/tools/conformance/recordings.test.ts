import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { AmiMessage } from "../../../shared/ami/amiMessage.ts";
import { type AmiReadFilter, compileReadFilter } from "../../../shared/ami/readFilter.ts";
import { compare } from "../../../tools/conformance/compare.ts";
import type { ComparedMessage } from "../../../tools/conformance/comparedMessage.ts";
import { asCompared, convertAll, Recording, withoutLinkedIds } from "../../../tools/conformance/recording.ts";

const directory = join(import.meta.dirname, "../../../local/recordings");
const recordings = ["calls-mixed", "busy-150"].map(
  (name) => [name, new Recording(join(directory, name))] as const,
);

describe.each(recordings)("the calls of %s", (name, recording) => {
  const stasis = recording.stasisLines();
  const asterisk = recording.amiEvents();
  const sent = asterisk.map(asCompared);

  it("become the messages that Manager sent, field for field and in order, except for the named exceptions", () => {
    const { differences, tallies, linkedIds } = compare(sent, convertAll(stasis).map(asCompared));
    expect(differences).toEqual([]);
    expect(linkedIds.equal).toBe(linkedIds.all);
    const total = (count: (tally: (typeof tallies)[number]) => number) =>
      tallies.reduce((sum, tally) => sum + count(tally), 0);
    expect([
      total((tally) => tally.asterisk),
      total((tally) => tally.relay),
      total((tally) => tally.equal),
    ]).toEqual(name === "calls-mixed" ? [574, 449, 448] : [10_685, 8_447, 8_427]);
  });

  it("differ only in Linkedid, and only in some, when Asterisk sends no linked ids", () => {
    const made = convertAll(stasis.map(withoutLinkedIds)).map(asCompared);
    const { differences, linkedIds } = compare(sent, made, { ignoreLinkedIds: true });
    expect(differences).toEqual([]);
    expect(linkedIds.equal / linkedIds.all).toBeGreaterThan(0.84);
  });

  /** Asterisk sends FullyBooted at each login, regardless of the user's filters. Each user also sees later logins. */
  const isAboutLogins = ({ name: event }: AmiMessage) =>
    event === "FullyBooted" || event === "SuccessfulAuth";

  it.each<[string, AmiReadFilter]>([
    ["all", {}],
    ["callonly", { read: "call" }],
    ["masked", { read: "call,user" }],
    [
      "filtered",
      {
        eventFilters: [
          "eventfilter(action(include),name(Newchannel))",
          "eventfilter(action(include),name(Hangup))",
        ],
      },
    ],
    ["legacyfilter", { eventFilters: ["!Event: VarSet", "!Event: DTMF.*"] }],
  ])("pass the view %s as they passed it in Asterisk", (view, filter) => {
    const { passes } = compileReadFilter(filter);
    const got = asterisk.filter((message) => passes(message) && !isAboutLogins(message));
    const want = recording.amiEvents(view).filter((message) => !isAboutLogins(message));
    // Two threads of Asterisk may queue their events in different orders for different sessions.
    expect(got.map(({ text }) => text).sort()).toEqual(want.map(({ text }) => text).sort());
  });
});

describe("the comparison", () => {
  const [first] = recordings;
  const sent = first?.[1].amiEvents().map(asCompared) ?? [];
  const made = convertAll(first?.[1].stasisLines() ?? []).map(asCompared);
  const kindsOf = (changed: readonly ComparedMessage[]) =>
    compare(sent, changed).differences.map(({ kind, name, detail }) => [kind, name, detail]);
  const hangup = made.findIndex(({ name }) => name === "Hangup");
  const at = (index: number) => made[index] ?? { name: "", fields: [] };

  it("finds a missing message", () => {
    expect(kindsOf(made.toSpliced(hangup, 1))).toEqual([["missing", "Hangup", ""]]);
  });

  it("finds a surplus message", () => {
    expect(kindsOf([...made, at(hangup)])).toEqual([["too much", "Hangup", ""]]);
  });

  it("finds a different field and fields in another order", () => {
    const changed = at(hangup).fields.map(
      ([name, value]) => [name, name === "Cause" ? "99" : value] as const,
    );
    expect(kindsOf(made.with(hangup, { name: "Hangup", fields: changed }))).toMatchObject([
      ["different", "Hangup", expect.stringContaining("Cause")],
    ]);
    expect(
      kindsOf(made.with(hangup, { name: "Hangup", fields: at(hangup).fields.toReversed() })),
    ).toMatchObject([["different", "Hangup", expect.stringContaining("(order)")]]);
  });

  it("finds messages of one channel in another order", () => {
    const uniqueIdOf = ({ fields }: ComparedMessage) => fields.find(([name]) => name === "Uniqueid")?.[1];
    const later = made.findLastIndex(
      (each, index) => index < hangup && uniqueIdOf(each) === uniqueIdOf(at(hangup)),
    );
    const swapped = made.with(later, at(hangup)).with(hangup, at(later));
    expect(kindsOf(swapped).length).toBeGreaterThan(0);
  });

  it("does not excuse a bridge count that is too high, or another field", () => {
    const enter = made.findIndex(({ name }) => name === "BridgeEnter");
    const changed = at(enter).fields.map(
      ([name, value]) => [name, name === "BridgeNumChannels" ? "99" : value] as const,
    );
    expect(kindsOf(made.with(enter, { name: "BridgeEnter", fields: changed }))).toMatchObject([
      ["different", "BridgeEnter", expect.stringContaining("99")],
    ]);
  });
});

it("messages are never missing or too much when only their order differs", () => {
  const recording = new Recording(join(directory, "calls-mixed"));
  const made = convertAll(recording.stasisLines()).map(asCompared);
  const sent = recording.amiEvents().map(asCompared);
  const kinds = new Set<string>();
  // These differ from one another in small things, or by what an exception explains.
  for (const [at, message] of sent.entries())
    if (message.name === "DTMFEnd" || message.name === "BridgeEnter") {
      const moved = sent.toSpliced(at, 1).toSpliced(at + 4, 0, message);
      for (const { kind } of compare(moved, made).differences) kinds.add(kind);
    }
  expect([...kinds]).toEqual(["out of order"]);
});
