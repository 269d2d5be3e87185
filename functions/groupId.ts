/**
 * The id of a new group. It contains no "#", which separates parts of keys.
 * @param uuid random, so that an id is never used again
 */
export function groupIdOf(uuid: string): string {
  return `grp_${uuid.replaceAll("-", "")}`;
}
