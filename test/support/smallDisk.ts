import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file system in memory, which a test can fill, enlarge and make read-only. Mounting one takes root's rights. */
export class SmallDisk implements Disposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** @param options those of `mount -o`, such as `size=8m` */
  static mount(path: string, options: string): SmallDisk {
    mkdirSync(path, { recursive: true });
    run("-t", "tmpfs", "-o", options, "none", path);
    return new SmallDisk(path);
  }

  remount(options: string): void {
    run("-o", `remount,${options}`, this.path);
  }

  [Symbol.dispose](): void {
    // Whoever still has a file open keeps it.
    spawnSync("umount", ["--lazy", this.path]);
  }
}

function run(...args: string[]): void {
  const { status, stderr, error } = spawnSync("mount", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`mount ${args.join(" ")}: ${error?.message ?? stderr}`);
}

function canMount(): boolean {
  const path = mkdtempSync(join(tmpdir(), "stasis-relay-mount-"));
  try {
    using _disk = SmallDisk.mount(path, "size=1m");
    return true;
  } catch {
    return false;
  } finally {
    rmSync(path, { recursive: true });
  }
}

/** Whether this process may mount a disk. */
export const mayMount = canMount();
