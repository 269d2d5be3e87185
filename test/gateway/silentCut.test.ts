import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { SilentCut } from "../support/silentCut.ts";

/** A network of its own, with root's rights in it only. */
const UNSHARE = ["--net", "--map-root-user"];
const canCut = spawnSync("unshare", [...UNSHARE, "ip", "link", "set", "lo", "up"]).status === 0;

const upTo = (last: number, first = 1) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe.runIf(canCut)("a network that is cut without a word", () => {
  it.each(["tcp", "tls"])(
    "holds the position over %s, and the client that comes back misses nothing",
    async (protocol) => {
      const script = join(import.meta.dirname, "../support/silentCut.ts");
      const { stdout } = await promisify(execFile)("unshare", [
        ...UNSHARE,
        process.execPath,
        script,
        protocol,
      ]);
      const cut = JSON.parse(stdout) as SilentCut;
      expect(cut.before).toEqual(upTo(10));
      expect([cut.positionBefore, cut.positionAfter]).toEqual([11, 11]);
      expect(cut.closedAfterMillis).toBeLessThan(15_000);
      expect(cut.after).toEqual(upTo(50, 11));
    },
  );
});
