import { describe, expect, it } from "vitest";
import type { SourceEvent } from "../../../bridge/source.ts";
import { localOffsetMinutes, startedAt } from "../../../bridge/sources/ami/amiEpoch.ts";
import { ARI_HAS, ARI_HAS_FILTER, ariHas } from "../../../bridge/sources/ami/ariHas.ts";
import { parseAsteriskTime } from "../../../bridge/sources/ari/ariTime.ts";
import { ariUrls } from "../../../bridge/sources/ari/ariUrls.ts";
import { fullJitterMillis } from "../../../bridge/sources/backoff.ts";
import { HeldEvents } from "../../../bridge/sources/heldEvents.ts";
import { EMPTY_CALL_MEMORY } from "../../../shared/ami/callMemory.ts";
import { AmiConverter } from "../../../shared/ami/convert.ts";
import { recordedAmi, recordedStasis } from "../../support/asterisk/recordings.ts";

describe("the wait before an attempt", () => {
  it("is anything up to a limit that doubles with each failure and has a bound", () => {
    const backoff = { baseMillis: 500, maxMillis: 30_000 };
    const limits = [0, 1, 2, 5, 6, 7, 2_000].map((failures) =>
      fullJitterMillis(failures, backoff, 0.999_999),
    );
    expect(limits).toEqual([499, 999, 1_999, 15_999, 29_999, 29_999, 29_999]);
    expect(fullJitterMillis(7, backoff, 0)).toBe(0);
    expect(fullJitterMillis(7, backoff, 0.5)).toBe(15_000);
  });
});

describe("a time of Asterisk", () => {
  it.each([
    ["2026-11-23T08:00:24.396+0000", "2026-11-23T08:00:24.396Z"],
    ["2026-11-23T08:00:24.396-0330", "2026-11-23T11:30:24.396Z"],
    ["2026-11-23T08:00:24+01:00", "2026-11-23T07:00:24.000Z"],
    ["2026-11-23T08:00:24.396Z", "2026-11-23T08:00:24.396Z"],
  ])("%s is %s", (written, meant) => {
    expect(parseAsteriskTime(written)).toBe(Date.parse(meant));
  });

  it("is undefined when it is none", () => {
    expect(parseAsteriskTime("yesterday")).toBeUndefined();
  });
});

describe("the addresses of ARI", () => {
  it.each([
    ["http://pbx:8088", "http://pbx:8088/ari/", "ws://pbx:8088/ari/events"],
    ["https://user:secret@pbx/pbx1/?x#y", "https://pbx/pbx1/ari/", "wss://pbx/pbx1/ari/events"],
    ["ws://pbx:8088/asterisk/ari/", "http://pbx:8088/asterisk/ari/", "ws://pbx:8088/asterisk/ari/events"],
    ["wss://[::1]:8089/ari", "https://[::1]:8089/ari/", "wss://[::1]:8089/ari/events"],
  ])("of %s", (address, rest, events) => {
    const urls = ariUrls(address, "a b");
    expect(urls.rest.href).toBe(rest);
    expect(urls.events.href).toBe(`${events}?app=a+b&subscribeAll=true`);
  });

  it.each(["ftp://pbx", "pbx:8088", "no address"])("refuses %s", (address) => {
    expect(() => ariUrls(address, "app")).toThrow(TypeError);
  });
});

describe("Manager's start time", () => {
  const clues = {
    startupDate: "2026-11-23",
    startupTime: "07:59:41",
    localOffsetMinutes: 60,
    uptimeSeconds: undefined,
    pbxEpochMillis: undefined,
  };

  it("is found in any time zone from the PBX's own clock and uptime", () => {
    for (const zoneMinutes of [-720, -210, 0, 60, 345, 840]) {
      const started = Date.parse("2026-11-23T07:59:41Z") - zoneMinutes * 60_000;
      // The uptime is in whole seconds, and the clock is read some time later.
      for (const lateMillis of [0, 999, 10_000, 400_000])
        expect(
          startedAt({ ...clues, uptimeSeconds: 86_400, pbxEpochMillis: started + 86_400_000 + lateMillis }),
        ).toBe(started);
    }
  });

  it("is in the bridge's own zone when the user may not read the class system", () => {
    expect(startedAt(clues)).toBe(Date.parse("2026-11-23T06:59:41Z"));
    expect(localOffsetMinutes("2026-11-23", "07:59:41")).toBe(-new Date(2026, 10, 23).getTimezoneOffset());
  });

  it("is undefined when Manager says nothing of the kind", () => {
    expect(startedAt({ ...clues, startupDate: "", startupTime: "" })).toBeUndefined();
  });
});

describe("what ARI has too", () => {
  it("is what the relay makes of ARI events", () => {
    const converter = new AmiConverter(EMPTY_CALL_MEMORY);
    const made = recordedStasis("busy-150").flatMap((text) => {
      const body = JSON.parse(text);
      return converter.convert({ type: body.type, body, text }) ?? [];
    });
    const names = new Set(made.map(({ name }) => name));
    expect([...names].filter((name) => !["DTMFEnd", "UserEvent"].includes(name)).sort()).toEqual(
      [...names].filter((name) => ARI_HAS.includes(name)).sort(),
    );
    expect(made.length).toBeGreaterThan(8_000);
    expect(made.filter(({ text }) => !ariHas(Buffer.from(text)))).toEqual([]);
  });

  it("leaves a seventh to a fifth of Manager's events", () => {
    const blocks = recordedAmi("busy-150");
    const share = blocks.filter((block) => !ariHas(block)).length / blocks.length;
    expect(share).toBeGreaterThan(0.14);
    expect(share).toBeLessThan(0.21);
  });

  it.each([
    ["DTMFEnd", "Direction: Received", true],
    ["DTMFEnd", "Direction: Sent", false],
    ["UserEvent", "Uniqueid: 1.1", true],
    ["UserEvent", "Header1: a", false],
    ["VarSet", "Variable: x", true],
    ["Cdr", "Direction: Received", false],
  ])("of %s with %s: %s", (name, line, isThere) => {
    expect(ariHas(Buffer.from(`Event: ${name}\r\nPrivilege: x,all\r\n${line}\r\n\r\n`))).toBe(isThere);
  });

  it("has a filter for Manager that names whole events and fits into a line", () => {
    const filter = new RegExp(ARI_HAS_FILTER.slice(1));
    expect(filter.test("Event: Newstate\r\n")).toBe(true);
    expect(filter.test("Event: HoldSomething\r\n")).toBe(false);
    expect(filter.test("Event: Cdr\r\nLastData: Event: Hold\r\n")).toBe(false);
    expect(`Filter: ${ARI_HAS_FILTER}`.length).toBeLessThan(1_022);
  });
});

describe("held events", () => {
  const event = (text: string): SourceEvent => ({
    format: "stasis",
    body: Buffer.from(text),
    receivedAtEpochMillis: 0,
  });

  it("are handed over in order, before what comes later", () => {
    const handed: string[] = [];
    const held = new HeldEvents(({ body }) => handed.push(body.toString()), 100);
    for (const text of ["one", "two"]) held.take(event(text));
    expect(handed).toEqual([]);
    held.release();
    held.take(event("three"));
    expect(handed).toEqual(["one", "two", "three"]);
  });

  it("are handed over at once beyond the bound", () => {
    const handed: string[] = [];
    const held = new HeldEvents(({ body }) => handed.push(body.toString()), 5);
    for (const text of ["one", "two", "three"]) held.take(event(text));
    expect(handed).toEqual(["one", "two", "three"]);
  });
});
