/** Who may log in. A user is a session of kind `ami`, with its secret opened. */
export interface AmiUser {
  /** The session's id. */
  readonly session: string;
  /** Grows with every change of the user. A position that is opened for an older version is refused or lost. */
  readonly version?: number | undefined;
  readonly feed: string;
  /** Unique in a relay. */
  readonly username: string;
  /** Plain text: the MD5 challenge and digest authentication need it. It is never logged. */
  readonly secret: string;
  /** Secrets that were rotated away and are still accepted for a while, newest first. */
  readonly formerSecrets?: readonly string[] | undefined;
  /** Read classes, as in `read =` of manager.conf. */
  readonly read: string;
  /** Event filters, as in `eventfilter =` of manager.conf. */
  readonly eventFilters: readonly string[];
  /** Whether the user goes on where its last connection was. */
  readonly resume: boolean;
  /**
   * What a second login does. `refuse`: it is refused, as with `allowmultiplelogin = no` in manager.conf. `take-over`:
   * with `resume` it closes the first connection, as a position has one holder; without, both stay, as with `yes`.
   */
  readonly multipleLogin: "refuse" | "take-over";
  /** Whether every event has a `RelaySequence` header. */
  readonly sequenceHeader: boolean;
}

export interface AmiUsers {
  /**
   * The user of this name; undefined when there is none. The answer may be a few seconds old. A failure of the store
   * rejects: the login is then refused, and the client tries again.
   */
  find(username: string): Promise<AmiUser | undefined>;
}
