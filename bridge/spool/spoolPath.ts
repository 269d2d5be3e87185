import { readdirSync } from "node:fs";
import { join } from "node:path";

const SUFFIX = ".spool";

/** The relay's rule for names of feeds. So a feed's name is also a file's name. */
const FEED_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** @throws RangeError when the feed's name would not be accepted by the relay */
export function spoolPath(dataDirectory: string, feed: string): string {
  if (!FEED_NAME.test(feed)) throw new RangeError(`"${feed}" is not a feed's name`);
  return join(dataDirectory, `${feed}${SUFFIX}`);
}

/** The file that the process with the spool holds locked. */
export function lockPath(path: string): string {
  return `${path}-lock`;
}

/** The feeds that have a spool in the directory, in order. */
export function feedsIn(dataDirectory: string): string[] {
  return readdirSync(dataDirectory)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .sort();
}
