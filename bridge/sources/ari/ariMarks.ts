import * as z from "zod";

const REPLACED = Buffer.from('"ApplicationReplaced"');
const replacedSchema = z.object({ type: z.literal("ApplicationReplaced"), application: z.string() });

/**
 * Whether an event says that another client took the application. Only a text that holds the word is parsed.
 * @param app undefined: any application
 */
export function isReplaced(event: Buffer, app: string | undefined): boolean {
  if (!event.includes(REPLACED)) return false;
  const replaced = replacedSchema.safeParse(parsed(event));
  return replaced.success && (app === undefined || replaced.data.application === app);
}

/** The JSON value of a text; undefined when it is none. */
export function parsed(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString());
  } catch {
    return undefined;
  }
}
