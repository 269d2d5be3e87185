import { floodGateway } from "./gatewayFloods.ts";
import { replayThroughGateway } from "./gatewayReplay.ts";
import { tortureGatewayRestarts } from "./gatewayRestarts.ts";

interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly eventsPerSecond: number;
  print(line: string): void;
}

type Run = (options: Options) => Promise<{ readonly problems: readonly string[] }>;

/** Two hours of a busy PBX. */
const REPLAYED_EVENTS = 7_200 * 200;

/** `npm run torture -- --gateway <what>`. */
export const gatewayRuns = {
  restarts: (options) => tortureGatewayRestarts({ ...options, users: 10, meanLifeSeconds: 16 }),
  // It takes as long as it takes.
  replay: () => replayThroughGateway({ events: REPLAYED_EVENTS, clients: 20, samplesPerSecond: 1 }),
  floods: ({ seconds, seed }) =>
    floodGateway({ seconds, seed, connectsPerMinute: 10_000, samplesPerSecond: 2 }),
} as const satisfies Readonly<Record<string, Run>>;
