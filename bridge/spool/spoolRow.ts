import * as z from "zod";
import type { SpoolRecord } from "../spool.ts";

/** A record as SQLite stores it. */
const rowSchema = z.object({
  id: z.number().int(),
  format: z.union([z.literal(0), z.literal(1)]),
  received_at_epoch_millis: z.number().int(),
  body: z.instanceof(Uint8Array),
});

export const FORMATS = ["stasis", "ami"] as const;

export function formatNumber(format: SpoolRecord["format"]): number {
  return FORMATS.indexOf(format);
}

/** @throws ZodError when the row is not a record */
export function recordOf(row: unknown): SpoolRecord & { readonly id: number } {
  const { id, format, received_at_epoch_millis, body } = rowSchema.parse(row);
  return {
    id,
    format: FORMATS[format],
    receivedAtEpochMillis: received_at_epoch_millis,
    body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
  };
}
