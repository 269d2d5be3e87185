import type { Environment } from "./settings.ts";

/**
 * A function's entry point on AWS: built from the process environment with the first event and kept for those after
 * it, so that importing a handler needs no environment.
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
