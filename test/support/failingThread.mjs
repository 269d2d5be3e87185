/** Loaded before a program (`node --import`): its threads fail once the file THREADS_FAIL_FILE is there. */
import { existsSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const LOOK_MILLIS = 20;

if (!isMainThread)
  setInterval(() => {
    if (existsSync(process.env.THREADS_FAIL_FILE)) throw new Error("this thread has failed");
  }, LOOK_MILLIS);
