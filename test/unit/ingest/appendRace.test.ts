import { expect, it } from "vitest";
import { racePauseMillis } from "../../../functions/ingest/appendRace.ts";

it.each([
  [1, 20],
  [2, 40],
  [5, 320],
  [6, 500],
  [99, 500],
])("after %i lost races a writer waits up to %i ms", (racesLost, mostMillis) => {
  expect(racePauseMillis(racesLost, 0)).toBe(0);
  expect(racePauseMillis(racesLost, 0.5)).toBe(mostMillis / 2);
});
