import {
  ProvisionedThroughputExceededException,
  ThrottlingException,
  TransactionCanceledException,
  TransactionConflictException,
} from "@aws-sdk/client-dynamodb";
import { RequestThrottled } from "@aws-sdk/client-sqs";
import type { AwsCall } from "./awsCalls.ts";

/*
 * Errors as the SDK builds them from AWS's responses: the same classes, names and metadata. So the SDK's retries and the
 * relay's code treat them as they would on AWS.
 */

const $metadata = { httpStatusCode: 400, requestId: "HOSTILE0000000000000000000000000000000000000000000" };

/** The table or the queue is throttled. The call was not performed. */
export function throttled({ service, command, input }: AwsCall): Error {
  if (service === "sqs")
    return new RequestThrottled({
      $metadata: { ...$metadata, httpStatusCode: 403 },
      message: "Rate exceeded",
    });
  if (command === "TransactWriteItems")
    return cancelled(
      input.TransactItems.length,
      "ThrottlingError",
      "Throughput exceeds the current capacity",
    );
  const message = "Throughput exceeds the current capacity of your table or index.";
  return command === "Query"
    ? new ProvisionedThroughputExceededException({ $metadata, message })
    : new ThrottlingException({ $metadata, message });
}

/** No response in time. The caller does not know whether the call was performed. */
export function timedOut(): Error {
  const message =
    "@smithy/node-http-handler - [ERROR] a request has exceeded the configured 5000 ms requestTimeout.";
  return Object.assign(new Error(message), { name: "TimeoutError" });
}

/** The item is part of a transaction in flight. The call was not performed. */
export function conflicting({ command, input }: AwsCall): Error {
  const message = "Transaction is ongoing for the item";
  return command === "TransactWriteItems"
    ? cancelled(input.TransactItems.length, "TransactionConflict", message)
    : new TransactionConflictException({ $metadata, message });
}

/** One reason per item, in order. Only one item's reason is the cause; the others are "None". */
function cancelled(items: number, code: string, reason: string): Error {
  const codes = Array.from({ length: items }, (_, index) => (index === items - 1 ? code : "None"));
  return new TransactionCanceledException({
    $metadata,
    message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes.join(", ")}]`,
    CancellationReasons: codes.map((Code) => (Code === "None" ? { Code } : { Code, Message: reason })),
  });
}
