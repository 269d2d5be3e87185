import { createClients } from "../shared/aws/clients.ts";
import type { FunctionName } from "../shared/aws/resources.ts";
import { systemClock } from "../shared/runtime/clock.ts";
import { createLambdaLog } from "../shared/runtime/lambdaLog.ts";
import { createLambdaMetrics } from "../shared/runtime/lambdaMetrics.ts";
import { type Metrics, publishing } from "../shared/runtime/metrics.ts";
import { type Environment, readSettings, type Settings } from "../shared/runtime/settings.ts";
import type { HandlerOptions } from "./handlerOptions.ts";

/** What every function has before it opens its stores: what its host gave it, or what it has on AWS. */
export interface HandlerParts extends HandlerOptions {
  readonly name: FunctionName;
  readonly clients: NonNullable<HandlerOptions["clients"]>;
  readonly clock: NonNullable<HandlerOptions["clock"]>;
  readonly log: NonNullable<HandlerOptions["log"]>;
  readonly stopping: AbortSignal;
  readonly settings: Settings;
}

/** Opens the stores that the environment names, and returns what handles an event. */
type Build<Parts, Event, Result> = (
  environment: Environment,
  parts: Parts,
) => (event: Event) => Promise<Result>;

/** A function's `createHandler`. */
export function defineHandler<Event, Result>(
  name: FunctionName,
  build: Build<HandlerParts, Event, Result>,
): (environment: Environment, options?: HandlerOptions) => (event: Event) => Promise<Result> {
  return (environment, options = {}) =>
    build(environment, {
      ...options,
      name,
      clients: options.clients ?? createClients(environment),
      clock: options.clock ?? systemClock,
      log: options.log ?? createLambdaLog(name),
      stopping: options.stopping ?? new AbortController().signal,
      settings: readSettings(environment),
    });
}

/**
 * For functions that record metrics: what an invocation recorded is published when it ends. The others do not load
 * what publishes them.
 */
export function recording<Event, Result>(
  build: Build<HandlerParts & { readonly metrics: Metrics }, Event, Result>,
): Build<HandlerParts, Event, Result> {
  return (environment, parts) => {
    const metrics = parts.metrics ?? createLambdaMetrics(parts.name, environment);
    return publishing(metrics, build(environment, { ...parts, metrics }));
  };
}
