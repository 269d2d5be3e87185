import { randomUUID } from "node:crypto";

/** Random, so that it is never used again. It contains no "#", which separates parts of keys. */
export function newGroupId(): string {
  return `grp_${randomUUID().replaceAll("-", "")}`;
}
