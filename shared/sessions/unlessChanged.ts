import { FenceLostError, RelayError, TransactionRefusedError } from "../errors.ts";

/** Whether a write failed because the row has changed since it was read, or another transaction conflicted. */
function isOvertaken(error: unknown): error is FenceLostError | TransactionRefusedError {
  return error instanceof FenceLostError || error instanceof TransactionRefusedError;
}

/**
 * Awaits a write that names the row as read. Undefined when the write was overtaken: nothing was written, and the row
 * is left to the other writer.
 */
export async function unlessChanged<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (isOvertaken(error)) return undefined;
    throw error;
  }
}

/**
 * Reads and writes again each time the write is overtaken.
 * @throws RelayError `session.busy` (retryable) after `attempts`
 */
export async function untilUnchanged<T>(
  sessionId: string,
  attempts: number,
  readAndWrite: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readAndWrite();
    } catch (error) {
      if (!isOvertaken(error)) throw error;
      if (attempt === attempts)
        throw new RelayError("session.busy", `${sessionId} kept changing during the request`, {
          retryable: true,
          cause: error,
        });
    }
  }
}
