import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../shared/runtime/clock.ts";

/** A nonce is good for so long after it was issued. Asterisk: main/manager.c, `auth_http_callback`. */
const NONCE_MILLIS = 62_000;

const MOST_NONCES = 20_000;

/** The nonces of digest authentication: issued here, and each count of theirs used once. */
export class DigestNonces {
  readonly #clock: Pick<Clock, "nowEpochMillis">;
  readonly #issued = new LRUCache<string, { readonly atEpochMillis: number; count: number }>({
    max: MOST_NONCES,
  });

  constructor(clock: Pick<Clock, "nowEpochMillis">) {
    this.#clock = clock;
  }

  issue(): string {
    const nonce = randomBytes(16).toString("hex");
    this.#issued.set(nonce, { atEpochMillis: this.#clock.nowEpochMillis(), count: 0 });
    return nonce;
  }

  /** Uses a count of the nonce; it is empty in RFC 2069. */
  use(nonce: string, count: string): NonceUse {
    const issued = this.#issued.get(nonce);
    if (issued === undefined) return "unknown";
    if (this.#clock.nowEpochMillis() - issued.atEpochMillis > NONCE_MILLIS) return "expired";
    const number = count === "" ? issued.count + 1 : Number.parseInt(count, 16);
    if (!(number > issued.count)) return "used";
    issued.count = number;
    return "good";
  }
}

type NonceUse = "good" | "unknown" | "expired" | "used";
