import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findDynoxide } from "../../local/engines/dynoxide.ts";
import { startToolProcess } from "../../local/engines/toolProcess.ts";
import { freePort } from "../../local/freePort.ts";
import { type Relay, startRelay } from "../../local/relay.ts";
import { RelayProcess } from "../support/relayProcess.ts";
import { engineOf, toProcessId } from "./support/engine.ts";
import { until } from "./support/until.ts";

let directory: string;
let relay: Relay | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "stasis-relay-loss-"));
});

afterEach(async () => {
  await relay?.stop();
  relay = undefined;
  await rm(directory, { recursive: true, force: true });
});

async function append({ url }: { url: string }): Promise<number> {
  const headers = { authorization: "Bearer local", "content-type": "application/json" };
  const body = JSON.stringify([{ type: "ChannelCreated" }]);
  return (await fetch(`${url}/v1/feeds/f/events`, { method: "POST", headers, body })).status;
}

describe("an embedded DynamoDB that is killed", () => {
  it("is started again on its file, and the relay goes on with what it had", async () => {
    relay = await startRelay({ environment: {}, port: 0, dataDirectory: directory });
    const running = relay;
    expect(await append(running)).toBe(202);
    const before = await engineOf(directory);
    process.kill(before, "SIGKILL");
    await until(async () => (await engineOf(directory)) !== before, "another engine");
    await until(async () => (await append(running)) === 202, "appends are accepted again");
    const { json } = await feed(running);
    expect(json).toMatchObject({ head: 1 });
  });

  it("that held its data in memory ends the relay with an error that names it", async () => {
    relay = await startRelay({ environment: {}, port: 0 });
    process.kill(childOf(process.pid), "SIGKILL");
    expect(await relay.failure).toMatchObject({
      code: "local.dynamodb",
      message: expect.stringMatching(/embedded DynamoDB \(dynoxide\).*SIGKILL.*in memory/),
    });
  });

  it("again and again ends the relay with an error that names the file", async () => {
    relay = await startRelay({ environment: {}, port: 0, dataDirectory: directory });
    let hasFailed = false;
    void relay.failure.then(() => {
      hasFailed = true;
    });
    let killed = 0;
    await until(async () => {
      const processId = await engineOf(directory);
      if (processId !== killed && isRunning(processId)) process.kill(processId, "SIGKILL");
      killed = processId;
      return hasFailed;
    }, "the relay gives up");
    await expect(relay.failure).resolves.toMatchObject({ message: expect.stringContaining(directory) });
  });

  it("ends npm start with exit code 1", async () => {
    await using started = await RelayProcess.start(await freePort(), {});
    process.kill(childOf(started.processId), "SIGKILL");
    await until(() => started.output.includes("embedded DynamoDB (dynoxide) ended"), "the reason is printed");
    expect(await started.exitCode).toBe(1);
  });
});

describe("an embedded DynamoDB that freezes", () => {
  it("for a moment keeps appends waiting, and loses none", async () => {
    relay = await startRelay({ environment: {}, port: 0, dataDirectory: directory });
    const engine = await engineOf(directory);
    process.kill(engine, "SIGSTOP");
    await until(() => stateOf(engine) === "T", "the engine is stopped");
    const appended = append(relay);
    process.kill(engine, "SIGCONT");
    expect(await appended).toBe(202);
    expect(await engineOf(directory)).toBe(engine);
  });

  it("for too long is ended, so that it can be started again", async () => {
    const silenceMillis = 300;
    const engine = await startToolProcess(findDynoxide(), [], async () => {}, silenceMillis);
    expect(await engine.call("list_tables", {})).toMatchObject({ isError: false });
    process.kill(engine.processId, "SIGSTOP");
    await expect(engine.call("list_tables", {})).rejects.toMatchObject({
      code: "local.dynamodb",
      retryable: true,
    });
    expect(await engine.ended).toMatch(/SIGKILL/);
  });
});

/** T: stopped (proc(5)). */
function stateOf(processId: number): string | undefined {
  return /\) (\w) /.exec(readFileSync(`/proc/${processId}/stat`, "utf8"))?.[1];
}

async function feed({ url }: Relay): Promise<{ json: unknown }> {
  const response = await fetch(`${url}/v1/feeds/f`, { headers: { authorization: "Bearer local" } });
  return { json: await response.json() };
}

/** The engine among a process's children. */
function childOf(processId: number): number {
  const children = readFileSync(`/proc/${processId}/task/${processId}/children`, "utf8").trim().split(" ");
  const engine = children.find((child) => readFileSync(`/proc/${child}/comm`, "utf8").startsWith("dynoxide"));
  return toProcessId(engine);
}

function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}
