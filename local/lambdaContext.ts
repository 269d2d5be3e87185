import { randomUUID } from "node:crypto";
import type { Context } from "aws-lambda";

/** What AWS Lambda passes beside the event; of it, only the request id and the remaining time are real here. */
export function lambdaContext(functionName: string, region: string, timeoutMillis: number): Context {
  const endsAtMillis = performance.now() + timeoutMillis;
  return {
    functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:${region}:000000000000:function:${functionName}`,
    memoryLimitInMB: "512",
    awsRequestId: randomUUID(),
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: "local",
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(endsAtMillis - performance.now())),
    // Callbacks of old runtimes, which no function here uses.
    done: () => {},
    fail: () => {},
    succeed: () => {},
  };
}
