import { readFileSync } from "node:fs";

/** Linux counts a process's time in units of 10 ms, whatever the kernel's own clock does. */
const TICKS_PER_SECOND = 100;

/** Seconds of CPU that the children of this process have used, such as the embedded database. 0 where there is no /proc. */
export function childCpuSeconds(): number {
  const children = readIfThere(`/proc/${process.pid}/task/${process.pid}/children`).trim();
  return children === "" ? 0 : children.split(" ").reduce((sum, id) => sum + cpuSecondsOf(id), 0);
}

function cpuSecondsOf(processId: string): number {
  const stat = readIfThere(`/proc/${processId}/stat`);
  // proc_pid_stat(5): user and system time are fields 14 and 15. Field 2, the name in brackets, may hold spaces.
  const [userTicks, systemTicks] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13);
  return (Number(userTicks ?? 0) + Number(systemTicks ?? 0)) / TICKS_PER_SECOND;
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
