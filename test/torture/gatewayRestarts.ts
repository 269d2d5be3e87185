import { setTimeout as pause } from "node:timers/promises";
import { generate } from "selfsigned";
import { freePort } from "../../local/freePort.ts";
import { gatewayVariables, tables } from "../../shared/aws/resources.ts";
import { AwsJsonServer } from "../support/awsJsonServer.ts";
import { eventually } from "../support/eventually.ts";
import { randomByName } from "../support/randomness.ts";
import { TestRelay } from "../support/testRelay.ts";
import { GatewayProcess } from "./gatewayProcess.ts";
import { ResumingClient } from "./resumingClient.ts";

export interface RestartsOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly eventsPerSecond: number;
  readonly users: number;
  /** A process is ended after 0.5 to 1.5 times this. */
  readonly meanLifeSeconds: number;
  print(line: string): void;
}

export interface RestartsReport {
  readonly appended: number;
  readonly kills: number;
  readonly terminations: number;
  readonly connections: number;
  readonly repeated: number;
  readonly longestRepeatMillis: number;
  readonly problems: readonly string[];
}

const FEED = "pbx";
const BATCH = 10;
const SETTLE_MILLIS = 60_000;

/** Steady load on a gateway process that is asked to stop or killed at random, with clients that come back. */
export async function tortureGatewayRestarts(options: RestartsOptions): Promise<RestartsReport> {
  const { seconds, seed, eventsPerSecond, users, meanLifeSeconds, print } = options;
  const random = randomByName(seed);
  await using relay = await TestRelay.start({ RELAY_SEGMENT_SIZE: "500" });
  await using secretsManager = await certificateSecret();
  const environment = {
    ...relay.relay.connection,
    [tables.queue.variable]: relay.relay.tableNames.queue,
    [tables.cursors.variable]: relay.relay.tableNames.cursors,
    [tables.sessions.variable]: relay.relay.tableNames.sessions,
    [gatewayVariables.certificate]: "certificate",
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.environment.AWS_ENDPOINT_URL,
  };
  const port = await freePort();
  const over = new AbortController();
  const clients = await Promise.all(
    Array.from({ length: users }, async (_, index) => {
      const username = `user${index}`;
      const settings = { feed: FEED, kind: "ami", username, resume: true, sequenceHeader: true } as const;
      const { secret } = await relay.createSession(settings);
      return new ResumingClient(port, username, secret);
    }),
  );
  let gateway = await GatewayProcess.start(port, environment);
  const exits: Promise<number | null>[] = [];
  const ends = { SIGKILL: 0, SIGTERM: 0 };
  let appended = 0;
  const append = async () => {
    const beganAt = performance.now();
    for (let batches = 1; performance.now() - beganAt < 1000 * seconds; batches += 1) {
      await relay.append(FEED, deviceStates(appended + 1, BATCH));
      appended += BATCH;
      await pause(Math.max(0, beganAt + (1000 * batches * BATCH) / eventsPerSecond - performance.now()));
    }
  };
  const running = clients.map((client) => client.run(over.signal));
  try {
    const appending = append();
    const endsAt = performance.now() + 1000 * seconds;
    for (;;) {
      await pause(1000 * meanLifeSeconds * (0.5 + random("life")));
      if (performance.now() > endsAt) break;
      const signal = random("signal") < 0.5 ? "SIGKILL" : "SIGTERM";
      const { exit } = await gateway.end(signal);
      ends[signal] += 1;
      if (signal === "SIGTERM") exits.push(exit);
      gateway = await GatewayProcess.start(port, environment);
      print(`${signal}, started again (${ends.SIGKILL + ends.SIGTERM})`);
    }
    await appending;
    const isThere = () => clients.every(({ next }) => next === appended + 1);
    await eventually("every client has everything", isThere, SETTLE_MILLIS).catch((error) =>
      print(String(error)),
    );
  } finally {
    over.abort();
    await Promise.all(running);
    await gateway[Symbol.asyncDispose]();
  }
  const codes = await Promise.all(exits);
  const longestRepeatMillis = Math.round(Math.max(...clients.map((client) => client.longestRepeatMillis)));
  return {
    appended,
    kills: ends.SIGKILL,
    terminations: ends.SIGTERM,
    connections: clients.reduce((sum, { connections }) => sum + connections, 0),
    repeated: clients.reduce((sum, { repeated }) => sum + repeated, 0),
    longestRepeatMillis,
    problems: [
      ...clients.flatMap(({ problems, next }, index) =>
        [...problems, ...(next === appended + 1 ? [] : [`has ${next - 1} of ${appended}`])].map(
          (problem) => `user${index}: ${problem}`,
        ),
      ),
      ...codes
        .filter((code) => code !== 0)
        .map((code) => `a gateway that was asked to stop ended with ${code}`),
    ],
  };
}

async function certificateSecret(): Promise<AwsJsonServer> {
  const { cert, private: key } = await generate([{ name: "commonName", value: "gateway.test" }]);
  const SecretString = JSON.stringify({ certificate: cert, key });
  return AwsJsonServer.start({ GetSecretValue: () => ({ SecretString }) });
}

function deviceStates(first: number, count: number) {
  return Array.from({ length: count }, (_, index) => ({
    type: "DeviceStateChanged",
    timestamp: "2026-11-27T08:00:24.396+0000",
    device_state: { name: `PJSIP/${first + index}`, state: "BUSY" },
  }));
}
