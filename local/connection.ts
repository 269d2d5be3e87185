import type { Environment } from "../shared/runtime/settings.ts";

/** Where the two services answer. */
export interface Endpoints {
  readonly dynamodb: string;
  readonly sqs: string;
}

/** The endpoints that the operator named; a service without one gets an embedded engine. */
export function givenEndpoints(environment: Environment): Partial<Endpoints> {
  const dynamodb = environment.AWS_ENDPOINT_URL_DYNAMODB || environment.AWS_ENDPOINT_URL;
  const sqs = environment.AWS_ENDPOINT_URL_SQS || environment.AWS_ENDPOINT_URL;
  return { ...(dynamodb ? { dynamodb } : {}), ...(sqs ? { sqs } : {}) };
}

const MADE_UP = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };

/**
 * The AWS variables for the functions. Local engines accept any region and key, so where none is given, made-up
 * ones serve; but an endpoint at AWS itself never gets those, so that the SDK looks for real ones as usual.
 * Two embedded engines always get the made-up ones: real keys have no business there, and data that are kept
 * over a restart must not depend on the region that a shell happens to name.
 */
export function connectionVariables(environment: Environment, endpoints: Endpoints): Record<string, string> {
  const endpointVariables = {
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_ENDPOINT_URL_SQS: endpoints.sqs,
  };
  const given = givenEndpoints(environment);
  if (given.dynamodb === undefined && given.sqs === undefined) return { ...MADE_UP, ...endpointVariables };

  const named = Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] =>
        /^AWS_(REGION|DEFAULT_REGION|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)$/.test(entry[0]) &&
        !!entry[1],
    ),
  );
  if (isAtAws(endpoints.dynamodb) || isAtAws(endpoints.sqs)) return { ...named, ...endpointVariables };
  const hasRegion = "AWS_REGION" in named || "AWS_DEFAULT_REGION" in named;
  const hasCredentials = "AWS_ACCESS_KEY_ID" in named || Boolean(environment.AWS_PROFILE);
  return {
    ...(hasRegion ? {} : { AWS_REGION: MADE_UP.AWS_REGION }),
    ...(hasCredentials
      ? {}
      : {
          AWS_ACCESS_KEY_ID: MADE_UP.AWS_ACCESS_KEY_ID,
          AWS_SECRET_ACCESS_KEY: MADE_UP.AWS_SECRET_ACCESS_KEY,
        }),
    ...named,
    ...endpointVariables,
  };
}

export function isAtAws(endpoint: string): boolean {
  return /(^|\.)(amazonaws\.com(\.cn)?|api\.aws)$/.test(new URL(endpoint).hostname);
}
