import { isDeepStrictEqual } from "node:util";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { AwsAnswer, AwsCall, Intercept } from "./awsCalls.ts";
import { conflicting, throttled, timedOut } from "./awsErrors.ts";

/** Faults of one call that AWS's own guarantees allow. */
export type Fault =
  | "throttled"
  /** No response, and the call was not performed. */
  | "timed out before"
  /** No response, but the call was performed. */
  | "timed out after"
  /** A transaction is in flight on the item. */
  | "conflict"
  /** A batch call leaves all items unprocessed. */
  | "unprocessed"
  /** A stale response to an eventually consistent read. */
  | "stale";

/** The possible faults of this call. */
export function faultsOf({ service, command, input }: AwsCall): readonly Fault[] {
  const always: Fault[] = ["throttled", "timed out before", "timed out after"];
  if (service === "sqs") return always;
  switch (command) {
    case "PutItem":
    case "UpdateItem":
    case "DeleteItem":
    case "TransactWriteItems":
      return [...always, "conflict"];
    case "BatchWriteItem":
    case "BatchGetItem":
      return [...always, "unprocessed"];
    default:
      return isConsistent(input) ? always : [...always, "stale"];
  }
}

function isConsistent(input: AwsCall["input"]): boolean {
  return input.ConsistentRead === true;
}

/**
 * Injects the fault that `faultFor` returns into each call. The embedded engines themselves never throttle, never cancel a
 * transaction and never return stale data.
 * @param faultFor returns one of `faultsOf(call)`, or undefined
 */
export function hostileAws(faultFor: (call: AwsCall) => Fault | undefined): Intercept {
  const answers = new StaleAnswers();
  return async (call, perform) => {
    switch (faultFor(call)) {
      case "throttled":
        throw throttled(call);
      case "timed out before":
        throw timedOut();
      case "timed out after":
        // Any response is lost, including a failed condition.
        await perform().catch(() => {});
        throw timedOut();
      case "conflict":
        throw conflicting(call);
      case "unprocessed":
        return unprocessed(call);
      case "stale":
        return answers.stale(call, await perform());
      default:
        return answers.keep(call, await perform());
    }
  };
}

/** Earlier responses, by read. */
class StaleAnswers {
  readonly #before = new Map<string, { newest: AwsAnswer; older: AwsAnswer }>();

  keep(call: AwsCall, answer: AwsAnswer): AwsAnswer {
    const key = this.#keyOf(call);
    if (key === undefined) return answer;
    const before = this.#before.get(key);
    if (before === undefined || !isDeepStrictEqual(contentOf(before.newest), contentOf(answer)))
      this.#before.set(key, { newest: answer, older: before?.newest ?? answer });
    return answer;
  }

  /** The response from before the last change that was read. */
  stale(call: AwsCall, answer: AwsAnswer): AwsAnswer {
    this.keep(call, answer);
    return this.#before.get(this.#keyOf(call) ?? "")?.older ?? answer;
  }

  #keyOf({ service, command, input }: AwsCall): string | undefined {
    if (service !== "dynamodb" || !["GetItem", "Query", "Scan"].includes(command)) return undefined;
    const { ConsistentRead, ...asked } = input;
    return `${command} ${JSON.stringify(asked)}`;
  }
}

function contentOf({ $metadata, ...content }: AwsAnswer): Record<string, unknown> {
  return content;
}

function unprocessed({ command, input }: AwsCall): AwsAnswer {
  const $metadata = { httpStatusCode: 200 };
  const [table = "", asked] = Object.entries(input.RequestItems)[0] ?? [];
  if (command === "BatchGetItem") {
    // biome-ignore lint/suspicious/noExplicitAny: the wire form of a command's input
    const { Keys, ...options } = asked as any;
    const keys = Keys.map((key: Parameters<typeof unmarshall>[0]) => unmarshall(key));
    return { $metadata, Responses: {}, UnprocessedKeys: { [table]: { ...options, Keys: keys } } };
  }
  const requests = (asked as { DeleteRequest: { Key: Parameters<typeof unmarshall>[0] } }[]).map(
    ({ DeleteRequest: { Key } }) => ({ DeleteRequest: { Key: unmarshall(Key) } }),
  );
  return { $metadata, UnprocessedItems: { [table]: requests } };
}
