import { describe, expect, it } from "vitest";
import { type Column, fittedTable, notedTable } from "../../cli/output/fittedTable.ts";
import { messageLine } from "../../cli/output/messageLine.ts";
import { jsonLine, plain, plainLines } from "../../cli/output/plain.ts";
import { lengthText, untilText } from "../../cli/output/times.ts";
import { shortened, widthOf } from "../../cli/output/width.ts";
import { wrapped } from "../../cli/output/wrapped.ts";

/* Without a terminal, nothing is coloured. */

interface Row {
  readonly id: string;
  readonly count: number;
  readonly extra: string;
}
const COLUMNS: readonly Column<Row>[] = [
  { title: "ID", value: ({ id }) => id, least: 6 },
  { title: "COUNT", value: ({ count }) => count, isNumber: true },
  { title: "EXTRA", value: ({ extra }) => extra, spare: 1 },
];
const ROWS: readonly Row[] = [
  { id: "abcdefghijkl", count: 5, extra: "more" },
  { id: "short", count: 12_000, extra: "" },
];

describe("a table", () => {
  it("is as wide as it needs, where there is no terminal", () => {
    expect(fittedTable(ROWS, COLUMNS, undefined)).toEqual([
      "ID            COUNT  EXTRA",
      "abcdefghijkl      5  more",
      "short         12000",
    ]);
  });

  it("shortens the longest column that may be, down to its least width", () => {
    expect(fittedTable(ROWS, COLUMNS, 22)).toEqual([
      "ID        COUNT  EXTRA",
      "abcdefg…      5  more",
      "short     12000",
    ]);
  });

  it("leaves out what can be spared, where shortening is not enough", () => {
    expect(fittedTable(ROWS, COLUMNS, 15)).toEqual(["ID        COUNT", "abcdefg…      5", "short     12000"]);
  });

  it("leaves out a spare column in which nothing is", () => {
    const rows = ROWS.map((row) => ({ ...row, extra: "" }));
    expect(fittedTable(rows, COLUMNS, undefined)[0]).toBe("ID            COUNT");
  });

  it("has its notes below the rows on a terminal, and in a column elsewhere", () => {
    const note = {
      title: "WHY",
      value: ({ count }: Row) => (count > 5 ? "too many of them" : ""),
      style: () => "red" as const,
    };
    expect(notedTable(ROWS, COLUMNS, note, 26)).toEqual([
      "ID            COUNT  EXTRA",
      "abcdefghijkl      5  more",
      "short         12000",
      "  too many of them",
    ]);
    expect(notedTable(ROWS, COLUMNS, note, undefined)[2]).toBe(
      "short         12000         too many of them",
    );
  });
});

describe("text", () => {
  it("of others is no command to the terminal", () => {
    expect(plain("a\u001b]0;title\u0007\r\nb\u009b31m\u202e")).toBe(
      "a\\x1b]0;title\\x07\\x0d\\x0ab\\x9b31m\\u202e",
    );
    expect(plainLines("a\r\nb\u001b[2J")).toBe("a\nb\\x1b[2J");
    expect(jsonLine({ text: "\u009b31m\u001b" })).toBe('{"text":"\\u009b31m\\u001b"}');
  });

  it("is shortened by columns, not by characters", () => {
    expect([widthOf("Größe"), widthOf("電話"), widthOf("e\u0301")]).toEqual([5, 4, 1]);
    expect(shortened("電話電話", 5)).toBe("電話…");
    expect(shortened("short", 5)).toBe("short");
    expect(shortened("longer", 1)).toBe("…");
  });

  it("is broken between words, and goes on with its indent", () => {
    expect(wrapped("name  one two three four", 14, "      ")).toBe("name  one two\n      three\n      four");
    expect(wrapped("a-word-that-is-too-long b", 10)).toBe("a-word-that-is-too-long\nb");
    expect(wrapped("any text", undefined)).toBe("any text");
  });

  it.each([
    [0, "0 s"],
    [59.9, "59 s"],
    [61, "1 min 1 s"],
    [3_600, "1 h"],
    [7_500, "2 h 5 min"],
    [90_000, "1 d 1 h"],
  ])("of %d seconds is %s", (seconds, text) => {
    expect(lengthText(seconds)).toBe(text);
  });

  it("of a time to come ends with now", () => {
    expect(untilText("2026-11-27T08:00:10.000Z", Date.UTC(2026, 10, 27, 8, 0, 0))).toBe("in 10 s");
    expect(untilText("2026-11-27T08:00:10.000Z", Date.UTC(2026, 10, 27, 9, 0, 0))).toBe("now");
  });
});

describe("a message as a line", () => {
  const event = (type: string, more: object) => ({
    sequence: 7,
    type,
    timestamp: "2026-11-27T08:00:24.403+0000",
    event: { type, ...more },
  });

  it.each([
    [
      event("ChannelDestroyed", { cause_txt: "User busy", channel: { name: "PJSIP/a-1" } }),
      "     7  08:00:24.403  ChannelDestroyed      User busy  PJSIP/a-1",
    ],
    [
      event("ChannelVarset", { variable: "X", value: "1", channel: { name: "PJSIP/a-1" } }),
      "     7  08:00:24.403  ChannelVarset         X=1  PJSIP/a-1",
    ],
    [
      event("DeviceStateChanged", { device_state: { name: "PJSIP/a", state: "BUSY" } }),
      "     7  08:00:24.403  DeviceStateChanged    PJSIP/a BUSY",
    ],
    [
      event("RelayGap", { reason: "retention", first: 3, last: 6 }),
      "     7  08:00:24.403  RelayGap              3 to 6 may be missing (retention)",
    ],
    [event("Unheard", { channel: "no object" }), "     7  08:00:24.403  Unheard"],
  ])("says what it is about", (message, line) => {
    expect(messageLine(message, undefined)).toBe(line);
  });

  it("fits the terminal", () => {
    const message = event("ChannelCreated", { channel: { name: "PJSIP/a-name-that-goes-on-and-on" } });
    expect(messageLine(message, 60)).toBe("     7  08:00:24.403  ChannelCreated        PJSIP/a-name-th…");
  });

  it("has the fields of AMI that say most", () => {
    const message = {
      sequence: 7,
      type: "Hangup",
      timestamp: "2026-11-27T08:00:24.403+0000",
      text: "",
      fields: { Event: "Hangup", Uniqueid: "1.1", Channel: "PJSIP/a-1", "Cause-txt": "User busy" },
    };
    expect(messageLine(message, undefined)).toBe(
      "     7  08:00:24.403  Hangup                Cause-txt=User busy  Channel=PJSIP/a-1",
    );
  });
});
