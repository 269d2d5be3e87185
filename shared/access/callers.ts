import { type Caller, MANAGEMENT } from "./caller.ts";
import type { KeyRing } from "./keyRing.ts";
import { keyIdIn } from "./keyText.ts";
import type { KeyUse } from "./keyUse.ts";
import type { RateLimit } from "./rateLimit.ts";

export type Identified =
  | { readonly kind: "caller"; readonly caller: Caller }
  | { readonly kind: "unknown" }
  | {
      readonly kind: "too-many";
      readonly of: "requests" | "unknown keys";
      readonly retryAfterMillis: number;
    };

/** Tells who calls, by the key that a request carries. */
export interface Callers {
  identify(key: string): Promise<Identified>;
}

/**
 * The holders of the management key and of the keys in the Keys table. A text that has the form of a key in the table is
 * looked up there and nowhere else: the check of the management key reads Secrets Manager for each unknown text.
 */
export function keyedCallers(parts: {
  isManagementKey(key: string): Promise<boolean>;
  readonly ring: Pick<KeyRing, "find">;
  readonly limit: Pick<RateLimit, "take">;
  readonly use: Pick<KeyUse, "note">;
  nowEpochMillis(): number;
}): Callers {
  return {
    identify: async (text) => {
      if (keyIdIn(text) === undefined)
        return (await parts.isManagementKey(text))
          ? { kind: "caller", caller: MANAGEMENT }
          : { kind: "unknown" };
      const found = await parts.ring.find(text);
      if (found.kind === "busy")
        return { kind: "too-many", of: "unknown keys", retryAfterMillis: found.retryAfterMillis };
      if (found.kind === "unknown") return found;
      const { key } = found;
      const retryAfterMillis = parts.limit.take(key.id, key.requestsPerSecond, parts.nowEpochMillis());
      if (retryAfterMillis > 0) return { kind: "too-many", of: "requests", retryAfterMillis };
      parts.use.note(key.id);
      return { kind: "caller", caller: { kind: "key", key } };
    },
  };
}
