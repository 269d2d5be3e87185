import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import {
  CreateQueueCommand,
  GetQueueUrlCommand,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startDynamodb } from "../../local/engines/dynamodb.ts";
import type { Engine } from "../../local/engines/engine.ts";
import { startSqs } from "../../local/engines/sqs.ts";
import { provision } from "../../local/provision.ts";
import { tables } from "../../shared/aws/resources.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { localClients } from "./support/clients.ts";
import { until } from "./support/until.ts";

// Processes and visibility timeouts are slow on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

let directory: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "stasis-relay-engines-"));
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

/** Starts the engine inside another process, which the test can kill. */
async function startInOtherProcess(
  databaseFile: string,
): Promise<{ child: ChildProcess; engine: Pick<Engine, "endpoint" | "credentials"> }> {
  const script = new URL("./support/engineProcess.ts", import.meta.url);
  const child = spawn(process.execPath, [fileURLToPath(script), databaseFile], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [line] = await once(child.stdout, "data");
  return { child, engine: JSON.parse(String(line)) };
}

async function answers(endpoint: string): Promise<boolean> {
  return fetch(endpoint).then(
    () => true,
    () => false,
  );
}

describe("the embedded DynamoDB", () => {
  it("responds once it is started, and is gone once it is closed", async () => {
    const engine = await startDynamodb();
    expect(await answers(engine.endpoint)).toBe(true);
    await engine.close();
    expect(await answers(engine.endpoint)).toBe(false);
    await engine.close();
  });

  it("keeps its data when its parent process gets a SIGKILL, and can be restarted at once", async () => {
    const databaseFile = join(directory, "data", "dynamodb.sqlite");
    const { child, engine } = await startInOtherProcess(databaseFile);
    const sqs = await startSqs();
    const before = localClients({ dynamodb: engine, sqs });
    await provision(before, silentLog);
    const item = { pk: "session", kind: "webhook" };
    await before.documents.send(new PutCommand({ TableName: tables.sessions.name, Item: item }));

    child.kill("SIGKILL");
    const restarted = await startDynamodb({ databaseFile });
    try {
      expect(await answers(engine.endpoint), "the engine of the killed process").toBe(false);
      const after = localClients({ dynamodb: restarted });
      const found = await after.documents.send(
        new GetCommand({ TableName: tables.sessions.name, Key: { pk: "session" } }),
      );
      expect(found.Item).toEqual(item);
    } finally {
      await restarted.close();
      await sqs.close();
    }
  });

  it("does not outlive its killed parent process, even without a restart", async () => {
    const { child, engine } = await startInOtherProcess(join(directory, "dynamodb.sqlite"));
    child.kill("SIGKILL");
    await until(async () => !(await answers(engine.endpoint)), "the engine ends");
  });

  it("refuses a file that a running engine has open, and names the process", async () => {
    const databaseFile = join(directory, "dynamodb.sqlite");
    const engine = await startDynamodb({ databaseFile });
    const processId = (await readFile(`${databaseFile}.pid`, "utf8")).trim();
    await expect(startDynamodb({ databaseFile })).rejects.toThrow(processId);
    await engine.close();
    const next = await startDynamodb({ databaseFile });
    await next.close();
  });

  it("gives the reason when it cannot start", async () => {
    await expect(startDynamodb({ databaseFile: directory })).rejects.toThrow(
      /embedded DynamoDB ended at once: ./,
    );
  });
});

describe("the embedded SQS", () => {
  it("keeps queues and messages in its data directory", async () => {
    const first = await startSqs({ dataDirectory: join(directory, "sqs") });
    const before = localClients({ sqs: first });
    const { QueueUrl } = await before.sqs.send(new CreateQueueCommand({ QueueName: "kept" }));
    await before.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "still here" }));
    await first.close();

    const second = await startSqs({ dataDirectory: join(directory, "sqs") });
    const after = localClients({ sqs: second });
    const { Messages } = await after.sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(Messages?.map((message) => message.Body)).toEqual(["still here"]);
    await second.close();
  });

  it("holds the queues of hints in memory, behind the same endpoint", async () => {
    const options = { dataDirectory: join(directory, "sqs"), unkept: new Set(["hints"]) };
    const first = await startSqs(options);
    const before = localClients({ sqs: first });
    for (const QueueName of ["kept", "hints"]) {
      const { QueueUrl } = await before.sqs.send(new CreateQueueCommand({ QueueName }));
      await before.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: `to ${QueueName}` }));
    }
    const hints = await before.sqs.send(new GetQueueUrlCommand({ QueueName: "hints" }));
    const { Messages } = await before.sqs.send(new ReceiveMessageCommand({ QueueUrl: hints.QueueUrl }));
    expect(Messages?.map(({ Body }) => Body)).toEqual(["to hints"]);
    await first.close();

    const second = await startSqs(options);
    const after = localClients({ sqs: second });
    const kept = await after.sqs.send(new GetQueueUrlCommand({ QueueName: "kept" }));
    const { Messages: found } = await after.sqs.send(new ReceiveMessageCommand({ QueueUrl: kept.QueueUrl }));
    expect(found?.map(({ Body }) => Body)).toEqual(["to kept"]);
    await expect(after.sqs.send(new GetQueueUrlCommand({ QueueName: "hints" }))).rejects.toThrow(
      QueueDoesNotExist,
    );
    await second.close();
  });

  it("hands out messages that were hidden until long after now, because the clock was set back since", async () => {
    const dataDirectory = join(directory, "sqs");
    const first = await startSqs({ dataDirectory });
    const before = localClients({ sqs: first });
    const { QueueUrl } = await before.sqs.send(new CreateQueueCommand({ QueueName: "kept" }));
    for (const MessageBody of ["in flight", "delayed"])
      await before.sqs.send(
        new SendMessageCommand({ QueueUrl, MessageBody, DelaySeconds: MessageBody === "delayed" ? 60 : 0 }),
      );
    await before.sqs.send(new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 30 }));
    await first.close();
    const database = new DatabaseSync(join(dataDirectory, "fauxqs.db"));
    for (const column of ["visibility_deadline", "delay_until"])
      database.exec(`UPDATE sqs_messages SET ${column} = ${column} + 3600000`);
    database.close();

    const second = await startSqs({ dataDirectory });
    const after = localClients({ sqs: second });
    const { Messages } = await after.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
    );
    expect(Messages?.map((message) => message.Body).sort()).toEqual(["delayed", "in flight"]);
    await second.close();
  });

  it("listens on loopback only", async () => {
    const engine = await startSqs();
    const { port } = new URL(engine.endpoint);
    expect(await answers(`http://127.0.0.1:${port}/health`)).toBe(true);
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter((address) => !address.internal && address.family === "IPv4");
    for (const { address } of others) expect(await answers(`http://${address}:${port}/health`)).toBe(false);
    await engine.close();
  });
});
