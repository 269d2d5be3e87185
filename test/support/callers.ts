import { MANAGEMENT } from "../../shared/access/caller.ts";
import type { Callers } from "../../shared/access/callers.ts";

/** A relay with the management key alone. */
export function managementKey(key: string): Callers {
  return {
    identify: async (given) => (given === key ? { kind: "caller", caller: MANAGEMENT } : { kind: "unknown" }),
  };
}
