import { RelayCallError } from "../../client/index.ts";
import { type Clock, systemClock } from "../../shared/runtime/clock.ts";
import { Lookout, type LookoutOptions } from "./lookout.ts";
import type { Picture } from "./picture.ts";
import type { Render } from "./screen.ts";
import { type Surroundings, tableOf } from "./table.ts";

const EVERY_MILLIS = 1_000;
/** A relay with many sessions is looked at less often, so that looking takes no more than a fifth of its time. */
const PAUSE_PER_LOOK = 4;

export interface WatchLiveOptions extends Omit<LookoutOptions, "nowEpochMillis"> {
  readonly surroundings: Surroundings;
  readonly stopping: AbortSignal;
  readonly clock?: Clock;
  show(render: Render): void;
}

/** Shows the relay's feeds and sessions as they are, until `stopping` aborts. */
export async function watchLive(options: WatchLiveOptions): Promise<void> {
  const { surroundings, stopping, clock = systemClock, show } = options;
  const lookout = new Lookout({ ...options, nowEpochMillis: () => clock.nowEpochMillis() });
  while (!stopping.aborted) {
    const beganAt = clock.nowEpochMillis();
    const picture = await lookout.look().catch(unlessUnavailable);
    if (stopping.aborted) return;
    if (picture !== undefined) show((size) => tableOf(picture, surroundings, size));
    const tookMillis = clock.nowEpochMillis() - beganAt;
    await clock.sleep(Math.max(EVERY_MILLIS - tookMillis, PAUSE_PER_LOOK * tookMillis), stopping);
  }
}

/** A relay that cannot answer at present is asked again; its log says why. */
function unlessUnavailable(error: unknown): Picture | undefined {
  if (error instanceof RelayCallError) return undefined;
  throw error;
}
