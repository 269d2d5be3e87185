import { createClients } from "../shared/aws/clients.ts";
import type { FunctionName } from "../shared/aws/resources.ts";
import { systemClock } from "../shared/runtime/clock.ts";
import { createLambdaLog } from "../shared/runtime/lambdaLog.ts";
import { createLambdaMetrics } from "../shared/runtime/lambdaMetrics.ts";
import { type Metrics, publishing } from "../shared/runtime/metrics.ts";
import { type Environment, readSettings, type Settings } from "../shared/runtime/settings.ts";
import type { HandlerOptions } from "./handlerOptions.ts";

/** The ports and settings of every function: the host's own where it passes any, otherwise those for AWS. */
export interface HandlerParts extends HandlerOptions {
  readonly name: FunctionName;
  readonly clients: NonNullable<HandlerOptions["clients"]>;
  readonly clock: NonNullable<HandlerOptions["clock"]>;
  readonly log: NonNullable<HandlerOptions["log"]>;
  readonly stopping: AbortSignal;
  readonly settings: Settings;
}

/** Opens the stores and returns the function that handles events. */
type Build<Parts, Event, Result> = (
  environment: Environment,
  parts: Parts,
) => (event: Event) => Promise<Result>;

/** Makes a function's `createHandler`. */
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
 * Adds metrics, published at the end of each invocation. Functions without metrics do not use it, which keeps their
 * bundles smaller.
 */
export function recording<Event, Result>(
  build: Build<HandlerParts & { readonly metrics: Metrics }, Event, Result>,
): Build<HandlerParts, Event, Result> {
  return (environment, parts) => {
    const metrics = parts.metrics ?? createLambdaMetrics(parts.name, environment);
    return publishing(metrics, build(environment, { ...parts, metrics }));
  };
}
