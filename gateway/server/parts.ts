import type { Clock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { JudgeMaker } from "../../shared/sessions/judge.ts";
import type { Fanouts } from "../fanout/fanouts.ts";
import type { Positions } from "../positions.ts";
import type { World } from "../protocol/action.ts";
import type { PbxFacts } from "../protocol/pbx.ts";
import type { GatewayLimits } from "../settings.ts";
import { NOTHING_TRACKED } from "../state/trackedState.ts";
import type { AmiUsers } from "../users.ts";
import type { Acknowledgements } from "./acknowledgements.ts";

/** What all servers of a gateway share. */
export interface GatewayParts {
  readonly users: AmiUsers;
  readonly positions: Positions;
  readonly fanouts: Fanouts;
  /** Compiles a view's filters, once for all that share them. */
  readonly judgeOf: JudgeMaker;
  /** What the clients of durable positions have acknowledged. */
  readonly acknowledgements: Acknowledgements;
  readonly limits: GatewayLimits;
  readonly clock: Clock;
  readonly log: Log;
  /** The digits of a challenge. */
  readonly challenge: () => string;
}

/** What answers depend on: the feed's, or nothing known before the login. */
export function worldOf(
  { clock, fanouts }: Pick<GatewayParts, "clock" | "fanouts">,
  feed: { readonly tracker: { readonly pbx: PbxFacts; readonly state: World["state"] } } | undefined,
): World {
  const nowEpochMillis = clock.nowEpochMillis();
  return {
    nowEpochMillis,
    nowEpochMicros: 1000 * nowEpochMillis + ((performance.now() * 1000) % 1000),
    pbx: feed?.tracker.pbx ?? fanouts.unknownPbx,
    state: feed?.tracker.state ?? NOTHING_TRACKED,
  };
}
