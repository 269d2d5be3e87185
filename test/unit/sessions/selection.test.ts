import { describe, expect, it } from "vitest";
import { renderAmi } from "../../../shared/ami/amiMessage.ts";
import { readAmi } from "../../../shared/ami/amiParser.ts";
import { type Message, renderAmiOnly, renderGap, renderMessage } from "../../../shared/queue/message.ts";
import { type SessionFilter, selectionCache, selectionOf } from "../../../shared/sessions/selection.ts";

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
  });

  it("is interested in its types, or without types in its event names, or without those in its classes", () => {
    const interest = (filter: SessionFilter) => selectionOf("ami", filter).interest;
    expect(interest({ types: ["A"], events: ["B"] })).toEqual(["A"]);
    expect(interest({ events: ["B"], read: "call" })).toEqual(["event B"]);
    expect(interest({ read: "call" })).toEqual(["class call", "class "]);
    expect(interest({})).toBeUndefined();
  });

  it("is compiled once for sessions with the same filter, and evicted after others were used", () => {
    const cached = selectionCache(2);
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
});
