import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { LiveScreen } from "../../../local/live/screen.ts";
import { TerminalScreen } from "../../support/terminalScreen.ts";

function opened(columns = 40, rows = 8) {
  const terminal = new TerminalScreen(columns, rows);
  return { terminal, screen: new LiveScreen(terminal) };
}

describe("the live screen", () => {
  it("changes its table in place", () => {
    const { terminal, screen } = opened();
    for (const count of [1, 2, 3]) screen.show(() => ["title", `count ${count}`, "end"]);
    expect(terminal.lines).toEqual(["title", "count 3", "end"]);
  });

  it("changes it in one write that erases nothing but the ends of lines, so that nothing flickers", () => {
    const { terminal, screen } = opened();
    screen.show(() => ["title", "longer"]);
    const before = terminal.writes;
    terminal.written = "";
    screen.show(() => ["title", "short"]);
    expect(terminal.writes - before).toBe(1);
    expect(terminal.written).toBe("\x1b[?2026h\x1b[?25l\r\x1b[1Atitle\x1b[K\nshort\x1b[K\x1b[J\x1b[?2026l");
  });

  it("leaves nothing of a table that was higher", () => {
    const { terminal, screen } = opened();
    screen.show(() => ["title", "a", "b", "c"]);
    screen.show(() => ["title", "a"]);
    expect(terminal.lines).toEqual(["title", "a"]);
  });

  it("puts lines above the table, long ones too, and what is printed at once in one write", async () => {
    const { terminal, screen } = opened(10, 8);
    screen.show(() => ["title", "end"]);
    const before = terminal.writes;
    screen.print("first");
    screen.print("longer than ten\nlast");
    await turn();
    expect(terminal.lines).toEqual(["first", "longer tha", "n ten", "last", "title", "end"]);
    expect(terminal.writes - before).toBe(1);
  });

  it("lets the lines scroll away, and the table stay", async () => {
    const { terminal, screen } = opened(40, 5);
    screen.show(() => ["title", "end"]);
    for (let line = 1; line <= 6; line++) {
      screen.print(`line ${line}`);
      await turn();
    }
    expect(terminal.lines).toEqual(["line 4", "line 5", "line 6", "title", "end"]);
    expect(terminal.scrolledAway).toEqual(["line 1", "line 2", "line 3"]);
  });

  it.each([
    [12, 6],
    [60, 12],
  ])("is whole after a resize to %i columns and %i rows", async (columns, rows) => {
    const { terminal, screen } = opened(20, 8);
    for (let line = 1; line <= 9; line++) screen.print(`a line with number ${line}`);
    screen.show(({ columns }) => ["title", "-".repeat(columns - 1)]);
    terminal.resize(columns, rows);
    const { lines } = terminal;
    expect(lines.slice(-2)).toEqual(["title", "-".repeat(columns - 1)]);
    expect(lines.length).toBeLessThanOrEqual(rows);
    expect(lines.slice(0, -2).join("")).toMatch(/number 9$/);
    screen.show(() => ["new", "table"]);
    expect(terminal.lines.slice(-2)).toEqual(["new", "table"]);
    expect(terminal.lines).not.toContain("title");
  });

  it("never draws more than the cursor can go back to", () => {
    const { terminal, screen } = opened(40, 5);
    const many = Array.from({ length: 20 }, (_, line) => `row ${line}`);
    screen.show(() => many);
    screen.show(() => many);
    expect(terminal.lines).toEqual(["row 0", "row 1", "row 2", "row 3"]);
    expect(terminal.scrolledAway).toEqual([]);
  });

  it("ends with its lines, without its table, and with a cursor", () => {
    const { terminal, screen } = opened();
    screen.show(() => ["title"]);
    expect(terminal.hasCursor).toBe(false);
    screen.print("last words");
    screen.close();
    screen.print("and after");
    screen.close();
    expect(terminal.lines).toEqual(["last words", "and after", ""]);
    expect(terminal.hasCursor).toBe(true);
  });

  it("gives the cursor to a shell while it is suspended, and is whole again afterwards", async () => {
    const { terminal, screen } = opened();
    screen.print("a line");
    await turn();
    screen.show(() => ["title", "end"]);
    screen.leave();
    expect(terminal.hasCursor).toBe(true);
    terminal.write("$ fg\n");
    screen.comeBack();
    expect(terminal.lines).toEqual(["a line", "title", "end"]);
    expect(terminal.hasCursor).toBe(false);
  });

  it("takes 80 columns and 24 rows for a terminal that does not say how large it is", () => {
    const { terminal, screen } = opened(0, 0);
    let asked: unknown;
    screen.show((size) => {
      asked = size;
      return [];
    });
    expect(asked).toEqual({ columns: 80, rows: 24 });
    expect(terminal.hasCursor).toBe(false);
  });
});
