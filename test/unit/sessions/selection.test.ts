import { describe, expect, it } from "vitest";
import { renderAmi } from "../../../shared/ami/amiMessage.ts";
import { readAmi } from "../../../shared/ami/amiParser.ts";
import { FilterCostError } from "../../../shared/errors.ts";
import { type Message, renderAmiOnly, renderGap, renderMessage } from "../../../shared/queue/message.ts";
import { cpuMillis } from "../../../shared/runtime/clock.ts";
import { rejectionOf } from "../../../shared/sessions/rejection.ts";
import { type SessionFilter, selectionCache, selectionOf } from "../../../shared/sessions/selection.ts";

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

  it("is compiled once for sessions with the same filter, and evicted after others were used", () => {
    const cached = selectionCache(() => 0, 9000);
    const first = cached("ami", { read: "call" });
    expect(cached("ami", { read: "call" })).toBe(first);
    expect(cached("stasis", { read: "call" })).not.toBe(first);
    expect(cached("ami", { read: "call" })).toBe(first);
    cached("ami", { read: "user" });
    expect(cached("ami", { read: "call" })).toBe(first);
    cached("ami", { read: "cdr" });
    cached("ami", { read: "agi" });
    expect(cached("ami", { read: "call" })).not.toBe(first);
  });

  it("has no interest that would make the cursor's row large", () => {
    const many = Array.from({ length: 100 }, (_, index) => `${"x".repeat(100)}${index}`);
    const { interest, wants } = selectionOf("stasis", { types: many });
    expect(interest).toBeUndefined();
    expect([wants(hangup), wants(renderMessage(many[7] ?? "", "now", "{}"))]).toEqual([false, true]);
  });
});

describe("a selection's time", () => {
  const messages = Array.from({ length: 200 }, () =>
    renderMessage("A", "now", "{}", renderAmi("A", ["call"], [["X", "x".repeat(1000)]])),
  );

  /** How many messages it judges when each takes this long. */
  function judged(millisPerMessage: number, filter: SessionFilter): number {
    let now = 0;
    const { wants } = selectionCache(() => {
      now += millisPerMessage;
      return now;
    })("ami", filter);
    let count = 0;
    try {
      for (const message of messages) {
        wants(message);
        count += 1;
      }
    } catch (error) {
      expect(error).toBeInstanceOf(FilterCostError);
    }
    return count;
  }

  it("ends when judging takes long for the text that it judged", () => {
    expect(judged(10, { eventFilters: ["a.b"] })).toBe(20);
  });

  it("is not limited while it is short for the text, however long together", () => {
    expect(judged(0.4, { eventFilters: ["a.b"] })).toBe(200);
    expect(judged(10, { read: "call" })).toBe(200);
  });

  it("is remembered when the filter is no longer in memory", () => {
    let now = 0;
    const cached = selectionCache(() => {
      now += 10;
      return now;
    }, 6000);
    const other = () => cached("ami", { read: "call" });
    expect(() => {
      for (let turn = 0; turn < 40; turn += 1) {
        cached("ami", { eventFilters: ["a"] }).wants(messages[0] ?? hangup);
        other();
      }
    }).toThrow(FilterCostError);
    expect(() => cached("ami", { eventFilters: ["a"] })).toThrow(FilterCostError);
    expect(other).not.toThrow();
  });

  it("is bounded for the filters that are the hardest to judge", () => {
    const { wants } = selectionCache(cpuMillis)("ami", { eventFilters: [EVIL] });
    let seed = 1;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    const before = cpuMillis();
    expect(() => {
      for (let count = 0; count < 1000; count += 1) {
        const text = Array.from({ length: 2000 }, () => "abcdefghijk"[Math.floor(random() * 11)]).join("");
        wants(renderAmiOnly(renderAmi("A", ["call"], [["X", text]]), "now"));
      }
    }).toThrow(FilterCostError);
    expect(cpuMillis() - before).toBeLessThan(5000);
  });

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
