import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FeedRow, type Picture, type SessionRow, worstFirst } from "../../../local/live/picture.ts";
import { tableOf } from "../../../local/live/table.ts";
import { shown, widthOf } from "../../../local/live/text.ts";

const AROUND = { title: "stasis-relay at http://127.0.0.1:8080", footer: "Ctrl-C stops the relay." };
const SIZE = { columns: 80, rows: 24 };

const feed = (name: string): FeedRow => ({
  feed: name,
  tail: 1_234_567,
  appendedPerSecond: 120.4,
  deliveredPerSecond: 2.25,
  refused: 0,
  sessions: 3,
});
const session: SessionRow = {
  name: "wallboard",
  feed: "demo",
  state: "active",
  lagMessages: 0,
  deliveredPerSecond: 0,
  why: undefined,
  nextTry: undefined,
};
const failing: SessionRow = {
  ...session,
  name: "failing",
  state: "backoff",
  lagMessages: 9,
  why: "3 attempts: http.status, the endpoint answered 500",
  nextTry: "15:04:05",
};
const picture = (sessions: readonly SessionRow[], feeds: readonly FeedRow[] = [feed("demo")]): Picture => ({
  feeds,
  sessions: worstFirst(sessions),
  hasMoreFeeds: false,
  hasMoreSessions: false,
});

describe("the table", () => {
  it("shows feeds, and sessions with state, reason and next try", () => {
    expect(tableOf(picture([session, failing]), AROUND, SIZE)).toEqual([
      "",
      "stasis-relay at http://127.0.0.1:8080",
      "feed  last number  appended/s  delivered/s  refused  sessions",
      "demo      1234567         120          2.3        0         3",
      "session    feed  state           lag  delivered/s  next try",
      "failing    demo  backoff           9            0  15:04:05",
      "  3 attempts: http.status, the endpoint answered 500",
      "wallboard  demo  active            0            0",
      "Ctrl-C stops the relay.",
    ]);
  });

  it("says what is not there yet", () => {
    const text = tableOf(picture([], []), AROUND, SIZE).join("\n");
    expect(text).toContain("no feeds yet");
    expect(text).toContain("no sessions yet");
  });

  it("shows hundreds of sessions as far as there is room, the worst first, and counts the others", () => {
    const many = Array.from({ length: 500 }, (_, index) => ({ ...session, name: `active-${index}` }));
    const lines = tableOf(picture([...many, failing]), AROUND, SIZE);
    expect(lines).toHaveLength(Math.floor((SIZE.rows * 2) / 3));
    expect(lines[5]).toMatch(/^failing /);
    const rows = lines.filter((line) => /^(active-|failing)/.test(line)).length;
    expect(lines).toContain(`… and ${501 - rows} more`);
  });

  it("gives feeds the room that sessions leave", () => {
    const feeds = Array.from({ length: 9 }, (_, index) => feed(`pbx-${index}`));
    expect(tableOf(picture([session], feeds), AROUND, SIZE).join("\n")).not.toContain("more");
    const crowded = tableOf(picture(Array(50).fill(session), feeds), AROUND, SIZE);
    expect(crowded.filter((line) => line.startsWith("pbx-"))).toHaveLength(2);
    expect(crowded).toContain("… and 7 more");
  });

  it("cuts long names and keeps the numbers", () => {
    const long = { ...failing, name: `ses_${"0123456789abcdef".repeat(2)}`, feed: "p".repeat(64) };
    const lines = tableOf(picture([long]), AROUND, SIZE);
    expect(lines[5]).toMatch(/^ses_0123456789\S*… +p+… +backoff +9 +0 +15:04:05$/);
  });

  it("shows whole names where the terminal is wide enough", () => {
    const id = `ses_${"0123456789abcdef".repeat(2)}`;
    expect(
      tableOf(picture([{ ...session, name: id }]), AROUND, { columns: 120, rows: 40 }).join("\n"),
    ).toContain(id);
  });

  it("says only what it is where there is no room for more", () => {
    expect(tableOf(picture([session]), AROUND, { columns: 30, rows: 6 })).toEqual([
      "",
      "stasis-relay at http://127.0…",
      AROUND.footer,
    ]);
  });

  it("fits, whatever the names, the reasons and the terminal are", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 70 }).map(shown);
    const sessions = fc.array(
      fc.record({
        name: text,
        feed: text,
        state: fc.constantFrom("active", "backoff", "paused", "suspended", "away"),
        lagMessages: fc.option(fc.nat()),
        deliveredPerSecond: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })),
        why: fc.option(text, { nil: undefined }),
        nextTry: fc.constantFrom(undefined, "15:04:05"),
      } as const),
      { maxLength: 30 },
    );
    const feeds = fc.array(text.map(feed), { maxLength: 20 });
    const size = fc.record({
      columns: fc.integer({ min: 10, max: 200 }),
      rows: fc.integer({ min: 2, max: 70 }),
    });
    fc.assert(
      fc.property(sessions, feeds, size, (someSessions, someFeeds, someSize) => {
        const lines = tableOf(picture(someSessions, someFeeds), AROUND, someSize);
        expect(lines.length).toBeLessThan(someSize.rows);
        for (const line of lines) expect(widthOf(line)).toBeLessThan(someSize.columns);
      }),
    );
  });
});

describe("the worst sessions", () => {
  it("are those that need a person, then those that fail, then those that lag", () => {
    const names = worstFirst([
      { ...session, name: "paused", state: "paused", lagMessages: 9_000 },
      { ...session, name: "away", state: "away", lagMessages: 9_000 },
      session,
      { ...session, name: "lags", lagMessages: 5_000 },
      { ...session, name: "tried again", why: "1 attempt" },
      failing,
      { ...session, name: "suspended", state: "suspended" },
    ]).map(({ name }) => name);
    expect(names).toEqual(["suspended", "failing", "tried again", "lags", "wallboard", "away", "paused"]);
  });

  it("keep their order while their lags are similar", () => {
    const rows = [
      { ...session, name: "a", lagMessages: 110 },
      { ...session, name: "b", lagMessages: 190 },
    ];
    expect(worstFirst(rows).map(({ name }) => name)).toEqual(["a", "b"]);
  });
});

describe("text of others", () => {
  it("moves no cursor and colours nothing", () => {
    expect(shown("a\x1b[2J\x1b]0;title\x07b\r\nc\u202e\u0000d")).toBe("ab cd");
  });

  it.each([
    ["plain", 5],
    ["\x1b[31mred\x1b[39m", 3],
    ["日本", 4],
    ["é", 1],
    ["👩‍👩‍👧", 2],
  ])("%j is as wide as a terminal shows it", (text, width) => {
    expect(widthOf(text)).toBe(width);
  });
});
