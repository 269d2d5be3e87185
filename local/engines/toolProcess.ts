import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { RelayError } from "../../shared/errors.ts";
import { onLines } from "./lines.ts";

/*
 * The engine as a child process that speaks the Model Context Protocol on its standard input and output: a JSON-RPC
 * message a line. Over TCP the engine takes any caller; over its own pipes nothing but this process can reach it, and
 * it ends when this process does, however that happens.
 */

const START_MILLIS = 10_000;
const END_MILLIS = 3_000;
/** An engine that is silent for this long hangs, and is ended. Its slowest call takes a small part of a second. */
const SILENCE_MILLIS = 20_000;
const PROTOCOL_VERSION = "2025-03-26";

/** What a tool returned: JSON text, of a result or of an error. */
export interface ToolResult {
  readonly isError: boolean;
  readonly text: string;
}

export interface ToolProcess {
  readonly processId: number;
  /** @throws RelayError (retryable) `local.dynamodb` when the process ends before it has answered */
  call(tool: string, args: object): Promise<ToolResult>;
  /** Resolves with how the process ended. */
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

interface Waiting {
  resolve(result: ToolResult): void;
  reject(error: RelayError): void;
}

/** Starts the engine and resolves when it answers. `onSpawned` is called as soon as it has a process id. */
export async function startToolProcess(
  program: string,
  args: readonly string[],
  onSpawned: (processId: number) => Promise<void>,
  silenceMillis = SILENCE_MILLIS,
): Promise<ToolProcess> {
  // Its own process group: Ctrl-C in the terminal must reach us only, because we still need it while stopping.
  const child = spawn(program, ["mcp", ...args], { stdio: "pipe", detached: true });
  const complaint = lastWordsOf(child);
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let hasEnded = false;
  let silence: NodeJS.Timeout | undefined;

  const ended = new Promise<string>((resolve) => {
    const end = (how: string) => {
      if (hasEnded) return;
      hasEnded = true;
      clearTimeout(silence);
      for (const { reject } of waiting.values()) reject(engineEnded(how));
      waiting.clear();
      resolve(how);
    };
    child.once("close", (code, signal) => end(complaint() || `by ${signal ?? `exit code ${code}`}`));
    child.once("error", (error) => end(error.message));
  });
  // Writing to an engine that has died is reported by its end.
  child.stdin.on("error", () => {});

  const watchSilence = () => {
    clearTimeout(silence);
    if (waiting.size > 0) silence = setTimeout(() => child.kill("SIGKILL"), silenceMillis).unref();
  };
  onLines(child.stdout, (line) => {
    const answer = parseAnswer(line);
    // An engine that does not speak the protocol is of no use. It is ended, and started again as after a crash.
    if (answer === undefined) return void child.kill("SIGKILL");
    const call = answer.id === undefined ? undefined : waiting.get(answer.id);
    if (call === undefined) return;
    waiting.delete(answer.id ?? 0);
    watchSilence();
    call.resolve(toolResult(answer));
  });
  const request = (method: string, params: object): Promise<ToolResult> => {
    if (hasEnded) return Promise.reject(engineEnded("before"));
    const { promise, resolve, reject } = Promise.withResolvers<ToolResult>();
    lastId += 1;
    waiting.set(lastId, { resolve, reject });
    if (waiting.size === 1) watchSilence();
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: lastId, method, params })}\n`);
    return promise;
  };
  const close = async () => {
    child.stdin.end();
    const killer = setTimeout(() => child.kill("SIGKILL"), END_MILLIS);
    await ended;
    clearTimeout(killer);
  };

  const slowStart = setTimeout(() => child.kill("SIGKILL"), START_MILLIS);
  try {
    if (child.pid !== undefined) await onSpawned(child.pid);
    const client = { name: "stasis-relay", version: "1" };
    await request("initialize", { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo: client });
  } catch (error) {
    await close();
    throw error;
  } finally {
    clearTimeout(slowStart);
  }
  child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  return {
    processId: child.pid ?? 0,
    call: (tool, toolArgs) => request("tools/call", { name: tool, arguments: toolArgs }),
    ended,
    close,
  };
}

interface RpcAnswer {
  readonly id?: number;
  readonly result?: { readonly isError?: boolean; readonly content?: readonly { readonly text?: string }[] };
  readonly error?: { readonly message: string };
}

function parseAnswer(line: string): RpcAnswer | undefined {
  try {
    return JSON.parse(line) as RpcAnswer;
  } catch {
    return undefined;
  }
}

function toolResult({ result, error }: RpcAnswer): ToolResult {
  if (error !== undefined)
    return {
      isError: true,
      text: JSON.stringify({ error_type: "ValidationException", message: error.message }),
    };
  return { isError: result?.isError ?? false, text: result?.content?.[0]?.text ?? "{}" };
}

/** The last of what it wrote to stderr. */
function lastWordsOf(child: ChildProcessWithoutNullStreams): () => string {
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-2_000);
  });
  return () => complaint.trim();
}

function engineEnded(how: string): RelayError {
  return new RelayError("local.dynamodb", `the embedded DynamoDB ended: ${how}`, { retryable: true });
}
