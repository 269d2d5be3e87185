import { describe, expect, it } from "vitest";
import { renderAmi } from "../../../shared/ami/amiMessage.ts";
import { readAmi } from "../../../shared/ami/amiParser.ts";
import { FilterCostError } from "../../../shared/errors.ts";
import { type Message, renderAmiOnly, renderGap, renderMessage } from "../../../shared/queue/message.ts";
import { rejectionOf } from "../../../shared/sessions/rejection.ts";
import { type SessionFilter, selectionOf } from "../../../shared/sessions/selection.ts";

/** Its states do not repeat, and there are many of them. */
const EVIL = "([a-j]{1,2}[b-k]?[a-i]){0,300}[K-Z]";

const hangup = renderMessage("ChannelDestroyed", "now", "{}", renderAmi("Hangup", ["call"], []));
const playback = renderMessage("PlaybackStarted", "now", "{}");
const queue = renderAmiOnly(renderAmi("QueueCallerJoin", ["agent"], []), "now");
const unclassified = renderAmiOnly(readAmi("Event: Future\r\n\r\n"), "now");
const gap = renderGap("retention", { first: 1, last: 2 }, 0);

describe("a selection", () => {
  it.each<["stasis" | "ami", SessionFilter | undefined, Message[]]>([
    ["stasis", undefined, [hangup, playback, gap]],
    ["ami", undefined, [hangup, queue, gap]],
    ["stasis", { types: ["PlaybackStarted"] }, [playback, gap]],
    ["ami", { types: ["PlaybackStarted", "ChannelDestroyed"] }, [hangup, gap]],
    ["stasis", { read: "all" }, [hangup, gap]],
    ["ami", { read: "agent" }, [queue, gap]],
    ["stasis", { read: "call", types: ["PlaybackStarted"] }, [gap]],
    ["ami", { events: ["Nothing"] }, [gap]],
  ])("in format %s with %j wants these", (format, filter, wanted) => {
    const all = [hangup, playback, queue, unclassified, gap];
    expect(all.filter(selectionOf(format, filter).wants)).toEqual(wanted);
    expect(all.filter((message) => rejectionOf(message, format, filter) === undefined)).toEqual(wanted);
  });

  it("is interested in its types, or without types in its event names, or without those in its classes", () => {
    const interest = (filter: SessionFilter) => selectionOf("ami", filter).interest;
    expect(interest({ types: ["A"], events: ["B"] })).toEqual(["A"]);
    expect(interest({ events: ["B"], read: "call" })).toEqual(["event B"]);
    expect(interest({ read: "call" })).toEqual(["class call", "class "]);
    expect(interest({})).toBeUndefined();
  });

  it("has no interest that would make the cursor's row large", () => {
    const many = Array.from({ length: 100 }, (_, index) => `${"x".repeat(100)}${index}`);
    const { interest, wants } = selectionOf("stasis", { types: many });
    expect(interest).toBeUndefined();
    expect([wants(hangup), wants(renderMessage(many[7] ?? "", "now", "{}"))]).toEqual([false, true]);
  });
});

describe("a selection's time", () => {
  it("ends at a message with very many headers to judge", () => {
    const lines = Array.from({ length: 10_000 }, (_, n) => ["X", `v${n}`] as const);
    const message = renderAmiOnly(renderAmi("A", ["call"], lines), "now");
    const eventFilters = Array.from(
      { length: 100 },
      (_, n) => `eventfilter(header(X),method(regex)) = ^z+${n}`,
    );
    const before = performance.now();
    expect(() => selectionOf("ami", { eventFilters }).wants(message)).toThrow(FilterCostError);
    expect(performance.now() - before).toBeLessThan(2000);
    expect(selectionOf("ami", { eventFilters: eventFilters.slice(0, 1) }).wants(message)).toBe(false);
  });

  it("ends before a message that is far too long for the regular expressions", () => {
    const long = renderAmiOnly(renderAmi("A", ["call"], [["X", "a".repeat(100_000)]]), "now");
    expect(() => selectionOf("ami", { eventFilters: [EVIL] }).wants(long)).toThrow(FilterCostError);
    expect(selectionOf("ami", { eventFilters: ["^Event: A\\b.*a{5}"] }).wants(long)).toBe(true);
  });
});
