import { type DynamoDBClient, TransactionConflictException } from "@aws-sdk/client-dynamodb";

/**
 * Makes the client's own retries, with their growing pauses, cover a plain write that met a transaction on its item.
 * DynamoDB refuses such a write with TransactionConflictException and has written nothing, but the SDK takes that for
 * a mistake of the caller and gives up at once. Transactions that meet each other are cancelled with another
 * exception and stay with the caller: a session that cannot cross now crosses later.
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
