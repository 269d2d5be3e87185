import { createClients } from "../shared/aws/clients.ts";
import type { FunctionName } from "../shared/aws/resources.ts";
import { systemClock } from "../shared/runtime/clock.ts";
import { createLambdaLog } from "../shared/runtime/lambdaLog.ts";
import { createLambdaMetrics } from "../shared/runtime/lambdaMetrics.ts";
import { publishing } from "../shared/runtime/metrics.ts";
import { type Environment, readSettings, type Settings } from "../shared/runtime/settings.ts";
import type { HandlerOptions } from "./handlerOptions.ts";

/** What every function has before it opens its stores. */
export interface HandlerParts extends Required<Omit<HandlerOptions, "webhook">> {
  readonly webhook?: HandlerOptions["webhook"];
  readonly settings: Settings;
}

/**
 * A function's `createHandler`: what a host does not hand over is what the function has on AWS, and what an invocation
 * recorded is published when it ends.
 * @param build opens the stores that the environment names, and returns what handles an event
 */
export function defineHandler<Event, Result>(
  name: FunctionName,
  build: (environment: Environment, parts: HandlerParts) => (event: Event) => Promise<Result>,
): (environment: Environment, options?: HandlerOptions) => (event: Event) => Promise<Result> {
  return (environment, options = {}) => {
    const metrics = options.metrics ?? createLambdaMetrics(name, environment);
    const handle = build(environment, {
      ...options,
      clients: options.clients ?? createClients(environment),
      clock: options.clock ?? systemClock,
      log: options.log ?? createLambdaLog(name),
      metrics,
      settings: readSettings(environment),
      stopping: options.stopping ?? new AbortController().signal,
    });
    return publishing(metrics, handle);
  };
}
