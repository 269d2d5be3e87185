/** What a command ends with. docs/cli.md lists them for scripts. */
export const EXIT = {
  done: 0,
  /** Wrong arguments or input, a refusal of the relay, or a check that found something. */
  failed: 1,
  /** There is no such session, feed, key or context. */
  unknown: 3,
  /** The relay does not know the key, or the key may not do this. */
  denied: 4,
  /** The relay does not answer, or is busy: the same command may succeed later. */
  unavailable: 5,
  /** Something would be lost, and nobody said yes. */
  unconfirmed: 6,
  /** Ctrl-C ended it before it was done. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
