import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
} from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";

/** The condition of a write failed; nothing was written. */
export function isConditionFailure(error: unknown): error is ConditionalCheckFailedException {
  return error instanceof ConditionalCheckFailedException;
}

/** The item that made a condition fail, when the write asked for it (ReturnValuesOnConditionCheckFailure). */
export function winnerOf(error: ConditionalCheckFailedException): Record<string, unknown> | undefined {
  return error.Item ? unmarshall(error.Item) : undefined;
}

/** Reasons that lie outside the transaction: the same transaction may succeed a moment later. */
const PASSING_REASONS = new Set(["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]);

/**
 * Why a transaction was cancelled, or a write refused because of one: the index of the first failed condition, or a
 * conflict. A conflict is another write of the same items, or throttling, and is worth a retry. Undefined for any
 * other failure.
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
