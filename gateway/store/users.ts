import type { Clock } from "../../shared/runtime/clock.ts";
import { type AmiSession, validSecrets } from "../../shared/sessions/session.ts";
import type { AmiUser, AmiUsers } from "../users.ts";

export interface UserParts {
  readonly users: { findByUsername(username: string): Promise<AmiSession | undefined> };
  /** Decrypts the secrets of a session. */
  openSecrets(session: AmiSession): Promise<AmiSession>;
  readonly clock: Clock;
}

/** Asterisk: main/manager.c, `struct ast_manager_user`. */
const MAX_USERNAME_CHARACTERS = 79;

/** Finds users in the relay's tables. Nothing is cached: a changed secret or filter holds for the next login. */
export class RelayUsers implements AmiUsers {
  readonly #parts: UserParts;

  constructor(parts: UserParts) {
    this.#parts = parts;
  }

  /** A paused user does not exist for clients. */
  async find(username: string): Promise<AmiUser | undefined> {
    if (username === "" || username.length > MAX_USERNAME_CHARACTERS) return undefined;
    const sealed = await this.#parts.users.findByUsername(username);
    if (sealed === undefined || sealed.isPaused) return undefined;
    const session = await this.#parts.openSecrets(sealed);
    const [secret, ...formerSecrets] = validSecrets(session.secrets, this.#parts.clock.nowEpochMillis());
    if (secret === undefined) return undefined;
    return {
      session: session.session,
      version: session.version,
      feed: session.feed,
      username: session.username,
      secret,
      formerSecrets,
      read: session.read,
      eventFilters: session.eventFilters,
      resume: session.resume,
      multipleLogin: session.multipleLogin,
      sequenceHeader: session.sequenceHeader,
    };
  }
}
