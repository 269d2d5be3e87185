import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
} from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";

/** The condition of a write did not hold; nothing was written. */
export function isConditionFailure(error: unknown): error is ConditionalCheckFailedException {
  return error instanceof ConditionalCheckFailedException;
}

/** The item that made a condition fail, when the write asked for it (ReturnValuesOnConditionCheckFailure). */
export function winnerOf(error: ConditionalCheckFailedException): Record<string, unknown> | undefined {
  return error.Item ? unmarshall(error.Item) : undefined;
}

/** Reasons that have nothing to do with what was asked for: the same transaction may pass a moment later. */
const PASSING_REASONS = new Set(["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]);

/**
 * Why a write was refused because of a transaction: the index of the first condition that did not hold, or a conflict
 * with others on the same items, throttling included (worth trying again later). Undefined for any other failure.
 */
export function cancellationOf(
  error: unknown,
): { kind: "condition"; index: number } | { kind: "conflict" } | undefined {
  if (error instanceof TransactionConflictException) return { kind: "conflict" };
  if (!(error instanceof TransactionCanceledException)) return undefined;
  const codes = (error.CancellationReasons ?? []).map((reason) => reason.Code);
  const index = codes.indexOf("ConditionalCheckFailed");
  if (index >= 0) return { kind: "condition", index };
  return codes.some((code) => PASSING_REASONS.has(code ?? "")) ? { kind: "conflict" } : undefined;
}
