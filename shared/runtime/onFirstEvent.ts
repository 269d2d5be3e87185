import type { Environment } from "./settings.ts";

/**
 * A function's entry point on AWS. The first event builds the handler from the process environment, and later events
 * reuse it. So importing a handler needs no environment.
 */
export function onFirstEvent<Event, Result>(
  createHandler: (environment: Environment) => (event: Event) => Promise<Result>,
): (event: Event) => Promise<Result> {
  let built: ((event: Event) => Promise<Result>) | undefined;
  return async (event) => {
    built ??= createHandler(process.env);
    return built(event);
  };
}
