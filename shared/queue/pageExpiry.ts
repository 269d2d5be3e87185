/*
 * When pages go by themselves. DynamoDB deletes an item some time after it has expired, at no charge, typically within
 * two days and in no order (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html). So nothing may
 * depend on an expired page being gone, or on an earlier page going first.
 */

/** An item that DynamoDB may delete after this time; absent: it never expires. */
export interface Expiring {
  readonly expiresAtEpochSeconds?: number | undefined;
}

export function expiryOf(appendedAtEpochMillis: number, ttlMillis: number): number {
  return Math.ceil((appendedAtEpochMillis + ttlMillis) / 1000);
}

/** Whether the page expires later than if it had been appended with this time to live. */
export function isKeptLonger(
  { appendedAtEpochMillis, expiresAtEpochSeconds }: Expiring & { readonly appendedAtEpochMillis: number },
  ttlMillis: number,
): boolean {
  return (
    expiresAtEpochSeconds === undefined || expiresAtEpochSeconds > expiryOf(appendedAtEpochMillis, ttlMillis)
  );
}
