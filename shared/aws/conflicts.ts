import { type DynamoDBClient, TransactionConflictException } from "@aws-sdk/client-dynamodb";

/**
 * Lets the SDK retry, with its growing pauses, a plain write that conflicts with a transaction on the same item.
 * DynamoDB refuses such a write with TransactionConflictException and writes nothing. The SDK treats that exception as
 * the caller's mistake and does not retry. When two transactions conflict, DynamoDB throws another exception, which the
 * caller handles: a session that cannot cross now crosses later.
 */
export function retryConflicts(client: Pick<DynamoDBClient, "middlewareStack">): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        if (error instanceof TransactionConflictException) Object.assign(error, { $retryable: {} });
        throw error;
      }
    },
    { step: "deserialize", priority: "high", name: "retryConflicts" },
  );
}
