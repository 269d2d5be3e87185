import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { relayMetrics } from "../../../shared/runtime/metricNames.ts";

const root = join(import.meta.dirname, "../../..");

it.each(Object.entries(relayMetrics))(
  "%s is recorded by the function that its entry names, and no other",
  (name, { function: recordedBy }) => {
    const recording = globSync("functions/*/*.ts", { cwd: root }).filter((file) =>
      new RegExp(`\\b${name}: (?!readonly)`).test(readFileSync(join(root, file), "utf8")),
    );
    expect(new Set(recording.map((file) => file.split(/[/\\]/)[1]))).toEqual(new Set([recordedBy]));
  },
);
