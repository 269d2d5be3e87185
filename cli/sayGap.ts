import { paintError } from "./output/paint.ts";
import { jsonLine } from "./output/plain.ts";
import type { Run } from "./run.ts";

/** Messages that a follower wanted and the feed has freed are never passed over in silence. */
export async function sayGap(
  run: Run,
  gap: { readonly first: number; readonly last: number },
): Promise<void> {
  if (run.json) await run.print(jsonLine({ gap }));
  else run.note(paintError("magenta", `${gap.first} to ${gap.last} are no longer held`));
}
