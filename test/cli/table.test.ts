import { expect, it } from "vitest";
import { tableLines } from "../../cli/terminal/table.ts";

it("a table has a line for each row, with its columns aligned", () => {
  const rows = [
    ["session", "delivered", "state"],
    ["wallboard", 453, "parked"],
    ["コールセンター", 7, "waits"],
    ["", 12_000, ""],
  ];
  expect(tableLines(rows, [0, 2])).toEqual([
    "session         delivered  state",
    "wallboard             453  parked",
    "コールセンター          7  waits",
    "                    12000",
  ]);
});

it("a table never cuts a cell", () => {
  const long = "a session's name that goes on ".repeat(20).trim();
  expect(tableLines([[long, 1]])).toEqual([`${long}  1`]);
});
