import type { Log } from "../../shared/runtime/log.ts";
import type { FollowedFeed } from "../fanout/fanouts.ts";
import { FeedMissingError, type OpenPosition, PositionInUseError } from "../positions.ts";
import { isRight, type LoginProof } from "../protocol/proof.ts";
import { bytesOfText } from "../protocol/request.ts";
import type { AmiUser } from "../users.ts";
import type { GatewayParts } from "./parts.ts";
import { RateLimit } from "./rateLimit.ts";
import { Tally } from "./tally.ts";

/** What a session holds from its login to its end. */
export interface Admitted {
  readonly user: AmiUser;
  readonly position: OpenPosition;
  readonly feed: FollowedFeed;
  /**
   * Gives everything back. Never rejects; safe to repeat.
   * @param isReceived see `OpenPosition.close`
   */
  leave(isReceived?: boolean): Promise<void>;
}

export type LoginResult = Admitted | { readonly refused: "failed" | "in-use" };

/** Compared with when the user does not exist, so that both cases take the same time. */
const NO_SECRET = "0".repeat(32);

/** Checks logins, for TCP and HTTP alike, within the limits for addresses and users. */
export class Logins {
  readonly #parts: GatewayParts;
  readonly #byAddress: RateLimit;
  readonly #byName: RateLimit;
  readonly #sessions = new Tally();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    const { loginsPerMinute } = parts.limits;
    this.#byAddress = new RateLimit(parts.clock, loginsPerMinute / 60, loginsPerMinute);
    this.#byName = new RateLimit(parts.clock, loginsPerMinute / 60, loginsPerMinute);
  }

  /**
   * Checks the proof, then opens the user's position and feed. Rejects when the users or the queue cannot be read: then
   * the connection is closed without an answer, and the client tries again.
   * @param signal aborts when the client has gone
   */
  async login(
    username: string,
    proof: LoginProof,
    address: string,
    signal: AbortSignal,
  ): Promise<LoginResult> {
    const user = await this.verify(username, address, (secret) => isRight(proof, secret));
    return user === undefined ? { refused: "failed" } : this.admit(user, address, signal);
  }

  /** The user of this name, if `isRightFor` accepts its secret and the limits allow the attempt. */
  async verify(
    username: string,
    address: string,
    isRightFor: (secret: string) => boolean,
  ): Promise<AmiUser | undefined> {
    if (username === "" || !this.#byAddress.allows(address) || !this.#byName.allows(username))
      return undefined;
    const user = await this.#parts.users.find(username);
    const secrets = user === undefined ? [NO_SECRET] : secretsOf(user);
    // All are compared, so that the time does not tell which one is right.
    const isProven = secrets.filter(isRightFor).length > 0;
    if (user !== undefined && isProven) return user;
    this.#log.warn("an AMI login failed", { username: username.slice(0, 80), address });
    return undefined;
  }

  /** Opens the position and the feed of a user whose proof was right. */
  async admit(user: AmiUser, address: string, signal: AbortSignal): Promise<LoginResult> {
    const open = this.#sessions.of(user.session);
    // A user with `resume` is refused by its position, which has one holder among all gateways.
    if (open > 0 && !user.resume && user.multipleLogin === "refuse") return { refused: "in-use" };
    if (open >= this.#parts.limits.connectionsPerUser) {
      this.#log.warn("an AMI user has too many connections", { session: user.session, address });
      return { refused: "failed" };
    }
    const count = this.#sessions.enter(user.session);
    let position: OpenPosition | undefined;
    try {
      const feed = await this.#parts.fanouts.open(user.feed);
      if (feed === undefined) throw new FeedMissingError({ feed: user.feed, session: user.session });
      try {
        position = await this.#parts.positions.open(user, signal);
      } catch (error) {
        feed.release();
        throw error;
      }
      return { user, position, feed, leave: leaving(position, feed, count) };
    } catch (error) {
      count();
      if (error instanceof PositionInUseError) return { refused: "in-use" };
      if (!(error instanceof FeedMissingError)) throw error;
      this.#log.warn("an AMI user's feed does not exist", { session: user.session, feed: user.feed });
      return { refused: "failed" };
    }
  }

  get #log(): Log {
    return this.#parts.log;
  }
}

/** The secrets that a user may log in with, as bytes. */
export function secretsOf({ secret, formerSecrets = [] }: AmiUser): string[] {
  return [secret, ...formerSecrets].map(bytesOfText);
}

function leaving(position: OpenPosition, feed: FollowedFeed, count: () => void): Admitted["leave"] {
  let left: Promise<void> | undefined;
  return (isReceived) => {
    left ??= position.close(isReceived).finally(() => {
      feed.release();
      count();
    });
    return left;
  };
}
