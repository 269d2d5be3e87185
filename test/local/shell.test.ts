import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { exportLine } from "../../local/shell.ts";

it.each(["plain", "it's", "''", '$(touch x) `id` \\ " !', "two\nlines", "-n", ""])(
  "a shell reads the exported value %j as it is",
  (value) => {
    const script = `${exportLine({ RELAY_URL: "http://127.0.0.1:4566/a b", RELAY_API_KEY: value })}
printf %s "$RELAY_API_KEY"`;
    expect(execFileSync("/bin/sh", ["-c", script], { encoding: "utf8" })).toBe(value);
  },
);
