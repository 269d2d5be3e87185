import { FenceLostError, TransactionRefusedError } from "../errors.ts";

/**
 * Awaits a write that names the row as it was read. Undefined when the row has changed since or another transaction was
 * in the way: nothing was written, and the caller reads again or leaves the row to whoever changed it.
 */
export async function unlessChanged<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof FenceLostError || error instanceof TransactionRefusedError) return undefined;
    throw error;
  }
}
