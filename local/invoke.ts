import type { Context } from "aws-lambda";
import { RelayError } from "../shared/errors.ts";
import { lambdaContext } from "./lambdaContext.ts";

/** A Lambda handler as AWS sees it: whatever it resolves to is looked at by the service that invoked it. */
export type LambdaHandler<Event> = (event: Event, context: Context) => Promise<unknown>;

export interface LocalFunction<Event> {
  readonly name: string;
  readonly region: string;
  readonly timeoutMillis: number;
  readonly handler: LambdaHandler<Event>;
}

/**
 * Invokes a function once, as AWS would: rejects when it throws and when it takes longer than its timeout.
 * AWS then stops the function; here it runs on unobserved, which the relay must survive anyway.
 */
export async function invoke<Event>(target: LocalFunction<Event>, event: Event): Promise<unknown> {
  const context = lambdaContext(target.name, target.region, target.timeoutMillis);
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => timeout.reject(new InvocationTimeoutError(target.name, target.timeoutMillis)),
    target.timeoutMillis,
  );
  try {
    return await Promise.race([target.handler(event, context), timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A function did not finish within its timeout. */
export class InvocationTimeoutError extends RelayError {
  constructor(functionName: string, timeoutMillis: number) {
    super("local.timeout", `${functionName} did not finish in ${timeoutMillis} ms`, { retryable: true });
  }
}
