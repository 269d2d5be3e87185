import { RelayError, SettingsError } from "../../shared/errors.ts";
import type { Environment } from "../../shared/runtime/settings.ts";
import { isAtAws, readEndpoint } from "../connection.ts";

const DEFAULT_ENDPOINT = "http://127.0.0.1:4566";
const ANSWER_WITHIN_MILLIS = 5_000;

export interface LocalCloud {
  readonly endpoint: string;
  readonly region: string;
  /** The AWS variables for a program that must reach this cloud and no other. */
  readonly variables: Readonly<Record<string, string>>;
}

/** The account of the key `test`, on ministack and on LocalStack. */
export const LOCAL_ACCOUNT = "000000000000";

/**
 * The local cloud at `AWS_ENDPOINT_URL`. It always gets made-up keys, so that real keys in the shell never reach it.
 * @throws SettingsError when the endpoint is AWS itself, because the local stage may call loopback addresses
 */
export function localCloud(environment: Environment): LocalCloud {
  const url = new URL(
    environment.AWS_ENDPOINT_URL ? readEndpoint(environment, "AWS_ENDPOINT_URL") : DEFAULT_ENDPOINT,
  );
  // The S3 client puts a bucket's name before a host name, but never before an IP address. Not every system resolves
  // names that end in .localhost.
  if (url.hostname === "localhost") url.hostname = "127.0.0.1";
  const endpoint = url.origin;
  if (isAtAws(endpoint))
    throw new SettingsError("AWS_ENDPOINT_URL", "is AWS itself; this command is for local clouds");
  const region = environment.AWS_REGION || environment.AWS_DEFAULT_REGION || "us-east-1";
  return {
    endpoint,
    region,
    variables: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
    },
  };
}

/** @throws RelayError that says how to start a local cloud, when none answers */
export async function checkLocalCloud(environment: Environment): Promise<void> {
  const { endpoint } = localCloud(environment);
  try {
    await fetch(endpoint, { signal: AbortSignal.timeout(ANSWER_WITHIN_MILLIS) });
  } catch (error) {
    throw new RelayError(
      "local.no-cloud",
      `no local cloud answers at ${endpoint}. Start one with "npm run ministack" in another shell and wait until it says that it runs, or set AWS_ENDPOINT_URL to the address of yours.`,
      { cause: error },
    );
  }
}

/** A program's environment with the AWS variables of the local cloud and no others. */
export function environmentIn(cloud: LocalCloud, environment: Environment): Record<string, string> {
  const others = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith("AWS_"),
  );
  return { ...Object.fromEntries(others), ...cloud.variables };
}
