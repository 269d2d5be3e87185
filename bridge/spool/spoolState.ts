import type { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import { SpoolError } from "./spoolError.ts";

const whole = z.number().int();

const stateSchema = z.object({
  producer: z.string().min(1),
  acknowledged: whole.nonnegative(),
  records: whole.nonnegative(),
  bytes: whole.nonnegative(),
  refused: whole.nonnegative(),
  refused_bytes: whole.nonnegative(),
  refused_dropped: whole.nonnegative(),
  dropped: whole.nonnegative(),
  clock_millis: whole.nonnegative(),
  clock_wall_epoch_millis: whole,
  gap_record: whole.nullable(),
  gap_name: z.string(),
  gap_from_epoch_millis: whole,
  gap_to_epoch_millis: whole,
  gap_count: whole.nonnegative(),
});

/** The row of `state`: counts that are kept with every transaction, so that nobody has to count the records. */
export type SpoolState = Readonly<z.infer<typeof stateSchema>>;

/** @throws SpoolError `corrupt` when the row is missing or senseless */
export function readState(database: DatabaseSync, path: string): SpoolState {
  const state = stateSchema.safeParse(database.prepare("SELECT * FROM state WHERE id = 1").get());
  if (state.success) return state.data;
  throw new SpoolError("corrupt", `${path}: the spool's state is unreadable: ${state.error.message}`, {
    path,
  });
}

const NAMES = Object.keys(stateSchema.shape);

export const WRITE_STATE = `UPDATE state SET ${NAMES.map((name) => `${name} = :${name}`).join(", ")} WHERE id = 1`;
