import { parseArgs } from "node:util";
import { EngineWorld } from "../proof/engineWorld.ts";
import { tortureRelay } from "./relayRun.ts";
import { tortureSchedules } from "./schedulesRun.ts";

const HELP = `Looks for what short tests do not find (docs/testing.md)

  npm run torture -- --minutes 10 --seed 1   steady load on the whole relay, which is killed at random
  npm run torture -- --schedules …           random orders of AWS calls with faults, one after the other

  --rate 100                                 events a second (of the load)
`;

const print = (line: string) => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: String(1 + Math.floor(Math.random() * 1_000_000)) },
    rate: { type: "string", default: "100" },
    schedules: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const seconds = 60 * Number(values.minutes);
const seed = Number(values.seed);
if (values.help || !(seconds > 0) || !Number.isInteger(seed)) print(HELP);
else {
  print(`seed ${seed}, ${values.minutes} minutes`);
  process.exitCode = (await (values.schedules ? schedules() : relay())) ? 0 : 1;
}

async function relay(): Promise<boolean> {
  const { problems, memory, ...figures } = await tortureRelay({
    seconds,
    seed,
    eventsPerSecond: Number(values.rate),
    meanLifeSeconds: Math.max(5, seconds / 20),
    print,
  });
  print(JSON.stringify(figures));
  print(`memory of the last process, MB: ${JSON.stringify(memory)}`);
  print(
    problems.length === 0
      ? "everything holds"
      : `NOT everything holds:\n  ${problems.slice(0, 50).join("\n  ")}`,
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
  if (failed === undefined) print("everything holds");
  else
    print(
      `seed ${failed.seed} does NOT hold: ${JSON.stringify(failed.setup)}\n  ${[...failed.verdict.problems, "", ...failed.verdict.trace].join("\n  ")}`,
    );
  return failed === undefined;
}
