import { Command } from "commander";
import { numberOption } from "../../cli/terminal/numberOption.ts";
import { onReaderGone } from "../../cli/terminal/reader.ts";
import { EngineWorld } from "../proof/engineWorld.ts";
import { tortureBridge } from "./bridgeRun.ts";
import { tortureRelay } from "./relayRun.ts";
import { tortureSchedules } from "./schedulesRun.ts";

onReaderGone();
const print = (line: string) => void process.stdout.write(`${line}\n`);

const whole = numberOption({ atLeast: 0, isWhole: true });
const options = new Command("torture")
  .description(
    "Searches for failures that short tests miss: steady load on the whole relay, which is killed at random (docs/testing.md)",
  )
  .option("--schedules", "runs random schedules of AWS calls with faults instead")
  .option("--bridge", "kills PBX, bridge, relay and network in turn instead (--rate: of each of three feeds)")
  .option("--minutes <minutes>", "how long", numberOption({ atLeast: 0.01 }), 10)
  .option("--seed <seed>", "determines the random choices; random by default", whole)
  .option("--rate <events>", "load in events per second", numberOption({ atLeast: 0.1 }), 100)
  .parse()
  .opts<{ schedules?: true; bridge?: true; minutes: number; seed?: number; rate: number }>();
const seconds = 60 * options.minutes;
const seed = options.seed ?? 1 + Math.floor(Math.random() * 1_000_000);
print(`seed ${seed}, ${options.minutes} minutes`);
const run = options.schedules ? schedules : options.bridge ? bridge : relay;
process.exitCode = (await run()) ? 0 : 1;

async function relay(): Promise<boolean> {
  const { problems, memory, ...figures } = await tortureRelay({
    seconds,
    seed,
    eventsPerSecond: options.rate,
    meanLifeSeconds: Math.max(5, seconds / 20),
    print,
  });
  print(JSON.stringify(figures));
  print(`memory of the last process, MB: ${JSON.stringify(memory)}`);
  return judged(problems);
}

async function bridge(): Promise<boolean> {
  const { problems, faults, feeds } = await tortureBridge({
    seconds,
    seed,
    eventsPerSecond: options.rate,
    meanCalmSeconds: 2,
    print,
  });
  print(JSON.stringify(faults));
  for (const [feed, report] of Object.entries(feeds)) print(`${feed}: ${JSON.stringify(report)}`);
  return judged(problems);
}

function judged(problems: readonly string[]): boolean {
  print(
    problems.length === 0 ? "every invariant holds" : `VIOLATED:\n  ${problems.slice(0, 50).join("\n  ")}`,
  );
  return problems.length === 0;
}

async function schedules(): Promise<boolean> {
  await using world = await EngineWorld.start();
  const endsAt = performance.now() + 1000 * seconds;
  const { runs, steps, faults, failed } = await tortureSchedules(
    world,
    seed,
    () => performance.now() > endsAt,
  );
  print(`${runs} runs, ${steps} steps`);
  for (const [fault, times] of [...faults].sort()) print(`  ${times} x ${fault}`);
  if (failed === undefined) print("every invariant holds");
  else
    print(
      `seed ${failed.seed} VIOLATED: ${JSON.stringify(failed.setup)}\n  ${[...failed.verdict.problems, "", ...failed.verdict.trace].join("\n  ")}`,
    );
  return failed === undefined;
}
