import { setTimeout as pause } from "node:timers/promises";
import { Intake } from "../../bridge/intake.ts";
import { Shipper } from "../../bridge/ship/shipper.ts";
import { SpoolThread } from "../../bridge/spool/spoolThread.ts";
import { RelayClient } from "../../client/index.ts";
import { DAY_MILLIS, event, MEBIBYTE } from "./support.ts";

/**
 * Spool, intake and shipper as a bridge has them, in a process that a test kills. It stores numbered events without end
 * and prints the number of the last one stored. With a count of 0 it ships what is there, and ends.
 */
const [path = "", url = "", first = "1", count = "0"] = process.argv.slice(2);

const thread = new SpoolThread();
const limits = { maxBytes: 64 * MEBIBYTE, maxAgeMillis: DAY_MILLIS, policy: "drop-oldest" } as const;
const spool = await thread.open({ path, limits });
const client = new RelayClient({ url, apiKey: "local", timeoutMillis: 5000 });
const shipper = new Shipper({
  spool,
  client,
  feed: "pbx",
  retryTimes: { firstMillis: 10, mostMillis: 100, repairMillis: 50 },
});
const intake = new Intake({
  spool,
  onFull: () => process.exit(2),
  onTrouble: (error) => error !== undefined && process.exit(3),
  onStored: () => {
    shipper.stored();
    process.stdout.write(`${Number(first) + intake.progress().stored - 1}\n`);
  },
});
shipper.start();
for (let number = Number(first); number < Number(first) + Number(count); number += 1) {
  intake.take(event(number, number % 500));
  if (number % 7 === 0) await pause(1);
}
await intake.idle();
await shipper.stop(20_000);
await spool.close();
await thread.stop();
