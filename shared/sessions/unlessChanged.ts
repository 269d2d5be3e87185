import { FenceLostError, TransactionRefusedError } from "../errors.ts";

/**
 * Awaits a write that names the row as read. Undefined when the row has changed since or another transaction
 * conflicted. Then nothing was written, and the caller reads again or leaves the row to the other writer.
 */
export async function unlessChanged<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof FenceLostError || error instanceof TransactionRefusedError) return undefined;
    throw error;
  }
}
