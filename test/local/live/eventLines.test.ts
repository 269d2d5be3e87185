import { describe, expect, it } from "vitest";
import type { Message } from "../../../client/index.ts";
import { eventLine, printEvents } from "../../../local/live/eventLines.ts";

const AT = "2026-11-27T15:04:05.000Z";
const event = (sequence: number, fields: Record<string, unknown> = {}): Message => ({
  sequence,
  type: "ChannelCreated",
  timestamp: AT,
  event: fields,
});

describe("a line of --verbose", () => {
  it.each([
    [{ channel: { name: "PJSIP/a-1" } }, "PJSIP/a-1"],
    [{ bridge: { id: "b-1" } }, "b-1"],
    [{ endpoint: { technology: "PJSIP", resource: "alice" } }, "alice"],
    [{ channel: { name: "a\x1b[2J\r\nb" } }, "a b"],
  ])("of %j names %s", (fields, of) => {
    expect(eventLine("pbx-1", event(7, fields))).toBe(`15:04:05 pbx-1 7 ChannelCreated ${of}`);
  });

  it("of an AMI event names its channel", () => {
    const message = { sequence: 7, type: "Hangup", timestamp: AT, text: "", fields: { Channel: "SIP/1" } };
    expect(eventLine("pbx-1", message)).toBe("15:04:05 pbx-1 7 Hangup SIP/1");
  });

  it("of an event about nothing known ends with its type", () => {
    expect(eventLine("pbx-1", event(7, { channel: 5 }))).toBe("15:04:05 pbx-1 7 ChannelCreated");
  });
});

describe("--verbose", () => {
  /** The lines that are printed while feeds have these tails, one look each. */
  async function linesOf(looks: readonly Readonly<Record<string, number>>[]): Promise<string[]> {
    const stopping = new AbortController();
    const lines: string[] = [];
    let look = 0;
    const tails = () => looks[look] ?? {};
    await printEvents({
      client: {
        listFeeds: async function* () {
          for (const [feed, tail] of Object.entries(tails()))
            yield { feed, head: 1, tail, lastAppend: null, sessions: 0, lagMessagesAtMost: 0, producers: 0 };
        },
        messages: async (feed, { from, limit = 0 } = {}) => {
          const first = Number(from);
          const count = Math.min(limit, (tails()[feed] ?? 0) + 1 - first);
          const messages = Array.from({ length: count }, (_, index) => event(first + index));
          return { feed, messages, next: first + count };
        },
      },
      stopping: stopping.signal,
      clock: {
        sleep: async () => {
          look++;
          if (look === looks.length) stopping.abort();
        },
      },
      print: (line) => void lines.push(line),
    });
    return lines;
  }

  it("prints what is appended from now on, and all of a feed that is new", async () => {
    expect(await linesOf([{ old: 5 }, { old: 7, new: 1 }, { old: 7, new: 2 }])).toEqual([
      "15:04:05 old 6 ChannelCreated",
      "15:04:05 old 7 ChannelCreated",
      "15:04:05 new 1 ChannelCreated",
      "15:04:05 new 2 ChannelCreated",
    ]);
  });

  it("prints 200 lines of a look, counts the others, and goes on behind them", async () => {
    const lines = await linesOf([{}, { pbx: 2_000 }, { pbx: 2_001 }]);
    expect(lines).toHaveLength(202);
    expect(lines.slice(-2)).toEqual(["pbx: … and 1,800 more", "15:04:05 pbx 2001 ChannelCreated"]);
  });
});
