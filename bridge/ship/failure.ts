import { RelayCallError } from "../../client/relayCallError.ts";
import { SpoolError } from "../spool/spoolError.ts";
import type { ShipperFailure } from "./progress.ts";

/** A response that no request could have. */
export class ShippingError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Whether the relay answered that the request is wrong, so that it certainly stored nothing. */
export function storedNothing(error: unknown): boolean {
  const status = error instanceof RelayCallError ? error.status : undefined;
  return status !== undefined && status >= 400 && status < 500 && status !== 408;
}

export function failureOf(error: unknown, waitMillis: number): ShipperFailure {
  const nowEpochMillis = Date.now();
  const isKnown =
    error instanceof RelayCallError || error instanceof SpoolError || error instanceof ShippingError;
  return {
    code: isKnown ? error.code : "unknown",
    message: error instanceof Error ? error.message : String(error),
    status: error instanceof RelayCallError ? error.status : undefined,
    atEpochMillis: nowEpochMillis,
    retryAtEpochMillis: nowEpochMillis + waitMillis,
  };
}
