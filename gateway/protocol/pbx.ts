/** What the gateway says of the PBX behind a feed. */
export interface PbxFacts {
  /** Asterisk's version, such as `23.5.0`. */
  readonly version: string;
  /** `systemname` of asterisk.conf; empty when it is not set or not known. */
  readonly systemName: string;
  /** When Asterisk started, as far as it is known; otherwise when the gateway did. */
  readonly startedAtEpochMillis: number;
}

/** Clients decide by versions which answers they can expect, so a real one is said also when the PBX's is unknown. */
export const DEFAULT_VERSION = "23.5.0";

/** The first version whose AMI has this form, and the newest that its numbering is known to hold for. */
const LEAST_MAJOR = 16;

/**
 * AMI's version for an Asterisk version: 20 has 9.0.0, 22 has 11.0.0, 23 has 12.0.0, and each major version one more.
 * Asterisk: include/asterisk/manager.h, `AMI_VERSION`.
 */
export function amiVersionOf(asteriskVersion: string): string {
  const major = /^(?:\D*\/)?(\d{2})\./.exec(asteriskVersion)?.[1];
  const known = major === undefined || Number(major) < LEAST_MAJOR ? DEFAULT_VERSION : `${major}.`;
  return `${Number.parseInt(known, 10) - 11}.0.0`;
}

/** The first bytes of a connection. Clients find the end of it by the line end, and read `Asterisk Call Manager/`. */
export function greeting(asteriskVersion: string): string {
  return `Asterisk Call Manager/${amiVersionOf(asteriskVersion)}\r\n`;
}
