/**
 * Loaded before a measured program (`node --import`): answers each message of the parent with what its event loop did
 * since the message before. JavaScript, because Node's TypeScript takes 20 MB that the program may not need.
 */
import { createHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

const TIMER_MILLIS = 10;

if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: TIMER_MILLIS });
  delay.enable();
  // A busy machine delays every timer. The thread's own CPU time shows for how long the program itself held the loop.
  const work = createHistogram();
  let before = process.threadCpuUsage();
  setInterval(() => {
    const { user, system } = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    work.record(1 + user + system);
  }, TIMER_MILLIS).unref();
  process.on("message", () => {
    process.send?.({
      // The histogram has the time between two timers, not their delay.
      delayMillisP99: Math.max(0, delay.percentile(99) / 1e6 - TIMER_MILLIS),
      workMillisP99: work.percentile(99) / 1e3,
      workMillisMost: work.max / 1e3,
    });
    delay.reset();
    work.reset();
  });
}
