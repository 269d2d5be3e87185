import { describe, expect, it } from "vitest";
import { checkTimes } from "../../infra/checkTimes.ts";
import { dev, prod } from "../../infra/stages.ts";
import { SettingsError } from "../../shared/errors.ts";
import { readSettings } from "../../shared/runtime/settings.ts";
import { synthesiseStack } from "./support/synthesise.ts";

describe("the times of a stage", () => {
  it.each([dev, prod])("of $name are consistent", ({ settings }) => {
    expect(() => checkTimes(readSettings(settings))).not.toThrow();
  });

  it.each([
    [
      "a request that outlasts deliver",
      { RELAY_REQUEST_TIMEOUT_SECONDS: "40" },
      "within the function's time",
    ],
    [
      "a grace shorter than two invocations of ingest",
      { RELAY_FREE_GRACE_SECONDS: "65" },
      "invocations of ingest",
    ],
    ["a value that is not a number", { RELAY_SEGMENT_SIZE: "many" }, "RELAY_SEGMENT_SIZE"],
  ])("are refused at synthesis: %s", (_what, settings, message) => {
    expect(() => synthesiseStack({ ...dev, settings })).toThrow(SettingsError);
    expect(() => synthesiseStack({ ...dev, settings })).toThrow(message);
  });
});
