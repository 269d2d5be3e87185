import { execFile } from "node:child_process";
import { promisify } from "node:util";
import fc from "fast-check";
import { expect, it } from "vitest";
import { freePort } from "../../local/freePort.ts";
import { RelayApi } from "../support/relayApi.ts";
import { RelayProcess } from "../support/relayProcess.ts";
import { largeAnswers } from "../support/share/largeAnswers.ts";
import { largeBodies } from "../support/share/largeBodies.ts";
import { largeRequests, manyCalls } from "../support/share/largeRequests.ts";
import { largeSessions } from "../support/share/largeSessions.ts";
import { largeSettings } from "../support/share/largeSettings.ts";
import { mostMillis, Neighbour, type Waited } from "../support/share/neighbour.ts";

/** `SHARE_SEED=7 SHARE_RUNS=200 npx vitest run test/pipeline/share.test.ts` looks further. */
const SEED = Number(process.env.SHARE_SEED ?? 1);
const RUNS = Number(process.env.SHARE_RUNS ?? 6);

/** The heap's limit is 384 MB. Buffers and code come on top. */
const MAX_MEGABYTES = 800;

const anyLargeInput = fc.oneof(
  { weight: 3, arbitrary: largeSessions },
  { weight: 3, arbitrary: largeBodies },
  { weight: 2, arbitrary: largeRequests },
  { weight: 1, arbitrary: manyCalls },
  { weight: 2, arbitrary: largeAnswers },
);

/** Resident memory of a process. */
async function megabytesOf(processId: number): Promise<number> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(processId)]);
  return Number(stdout) / 1024;
}

async function checkShares(settings: Record<string, string>, runs: number, seed: number): Promise<void> {
  await using relay = await RelayProcess.start(await freePort(), settings);
  await using neighbour = await Neighbour.start(relay.client);
  await neighbour.longestOf(10);
  const usual = await neighbour.longestOf(20);
  const check = (input: string, kind: keyof Waited, waited: Waited) => {
    expect(waited[kind], `the neighbour's ${kind} beside ${input}, usually ${usual[kind]} ms`).toBeLessThan(
      mostMillis(usual[kind]),
    );
  };
  await fc.assert(
    fc.asyncProperty(anyLargeInput, async (input) => {
      const send = input.build();
      const sending = send(new RelayApi(relay.client.url, "local"));
      const waited = await neighbour.longestDuring(sending, 3).catch((cause) => {
        throw new Error(`beside ${input}: ${relay.output.slice(-2000)}`, { cause });
      });
      check(`${input}`, "append", waited);
      check(`${input}`, "delivery", waited);
      expect(await megabytesOf(relay.processId), `megabytes after ${input}`).toBeLessThan(MAX_MEGABYTES);
    }),
    // What is large is not made smaller: the relay is the same one, and each try takes seconds.
    { numRuns: runs, seed, endOnFailure: true },
  );
}

it("whatever a user makes large, its neighbour waits no longer than usual", async () => {
  await checkShares({}, RUNS, SEED);
}, 600_000);

it("and so it is with settings at their bounds", async () => {
  for (const settings of fc.sample(largeSettings, { numRuns: Math.ceil(RUNS / 8), seed: SEED }))
    await checkShares(settings, 2, SEED);
}, 600_000);
