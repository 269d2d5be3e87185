import {
  type DynamoDBClient,
  TransactionConflictException,
  TransactionInProgressException,
} from "@aws-sdk/client-dynamodb";

/**
 * Makes the client's own retries, with their growing pauses, cover a plain write that met a transaction on its item.
 * DynamoDB refuses such a write with TransactionConflictException and has written nothing, but the SDK takes that for
 * a mistake of the caller and gives up at once. Transactions that meet each other are cancelled with another
 * exception and stay with the caller: a session that cannot cross now crosses later.
 *
 * The same for a transaction that is sent again because its answer was late: while its first try is under way DynamoDB
 * answers TransactionInProgressException, and later, by the request's token, what the first try came to.
 */
export function retryConflicts(client: Pick<DynamoDBClient, "middlewareStack">): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        if (error instanceof TransactionConflictException || error instanceof TransactionInProgressException)
          Object.assign(error, { $retryable: {} });
        throw error;
      }
    },
    { step: "deserialize", priority: "high", name: "retryConflicts" },
  );
}
