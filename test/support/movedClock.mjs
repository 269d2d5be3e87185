/**
 * Loaded before a program (`node --import`): its wall clock is ahead by the milliseconds in the file CLOCK_AHEAD_FILE, which a
 * test may change at any time. Threads of the program load it too. JavaScript, because it is loaded in every version.
 */
import { readFileSync } from "node:fs";

const systemNow = Date.now;
Date.now = () => systemNow() + Number(readFileSync(process.env.CLOCK_AHEAD_FILE, "utf8"));
