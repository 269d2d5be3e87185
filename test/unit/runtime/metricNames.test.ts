import { describe, expect, it } from "vitest";
import { relayMetrics } from "../../../shared/runtime/metricNames.ts";
import { loadedWith, sources } from "../../support/importGraph.ts";

const functions = [...sources.keys()].flatMap(
  (file) => /^functions\/(\w+)\/handler\.ts$/.exec(file)?.[1] ?? [],
);

/** The functions that load a file which records the metric. */
function recordersOf(metric: string): string[] {
  const records = new RegExp(`\\b${metric}: (?!readonly|\\{ function:)`);
  return functions.filter((name) =>
    [...loadedWith(`functions/${name}/handler.ts`)].some((file) => records.test(sources.get(file) ?? "")),
  );
}

describe("each metric", () => {
  it.each(Object.entries(relayMetrics))(
    "%s is recorded only by the function that its entry names",
    (name, { function: recordedBy }) => {
      expect(recordersOf(name)).toEqual([recordedBy]);
    },
  );
});
