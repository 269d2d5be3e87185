import * as z from "zod";
import type { AmiMessage } from "../ami/amiMessage.ts";
import { isEventName, MAX_EVENT_NAME_CHARACTERS } from "../ami/eventName.ts";
import type { JsonObject } from "../ami/json.ts";
import { withoutMark } from "./eventBatch.ts";

/**
 * The fields of a Stasis event that the relay reads (Asterisk: rest-api/api-docs/events.json, models `Message` and
 * `Event`). The relay passes all other fields on unread, so event types of future Asterisk versions are kept and
 * delivered.
 */
const eventSchema = z.object({
  type: z
    .string()
    .min(1)
    .max(MAX_EVENT_NAME_CHARACTERS)
    .refine(isEventName, "must consist of visible characters"),
});

/** Half of a page. No call event is larger. */
export const MAX_EVENT_BYTES = 128 * 1024;

/** Longer texts are not times. */
const MAX_TIMESTAMP_CHARACTERS = 64;

export interface StasisEvent {
  readonly type: string;
  /** As Asterisk wrote it (`2026-11-23T08:00:24.396+0000`). Undefined when there is none, or when it is not a text. */
  readonly timestamp: string | undefined;
  /** The event's JSON as sent, on one line. */
  readonly text: string;
  readonly body: JsonObject;
}

/** An event in one of the two forms that ingest accepts, or the reason why it is refused. */
export type EventOrRefusal =
  | { readonly event: StasisEvent }
  | { readonly ami: AmiMessage }
  | { readonly error: string };

/** Reads one event from its JSON text. Never throws: `error` says what is wrong. */
export function readEvent(written: string): EventOrRefusal {
  const text = withoutMark(written);
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_EVENT_BYTES)
    return { error: `the event has ${bytes} bytes; at most ${MAX_EVENT_BYTES} are accepted` };
  if (!text.isWellFormed()) return { error: "not Unicode: the text has a lone surrogate" };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : "unreadable";
    return { error: `not JSON: ${reason}${SEVERAL_OBJECTS.test(text) ? `; ${LINE_ENDS_LOST}` : ""}` };
  }
  const parsed = eventSchema.safeParse(value);
  if (!parsed.success) return { error: describe(parsed.error) };
  const { type } = parsed.data;
  const body = value as JsonObject;
  const { timestamp } = body;
  const isTime =
    typeof timestamp === "string" && timestamp !== "" && timestamp.length <= MAX_TIMESTAMP_CHARACTERS;
  return { event: { type, timestamp: isTime ? timestamp : undefined, text: onOneLine(text), body } };
}

/** Several objects on one line. */
const SEVERAL_OBJECTS = /^\{[^\n]*\}[ \t]*\{"/;
const LINE_ENDS_LOST = "if these are lines, use curl --data-binary, because -d removes line ends";

function describe(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => (issue.path.length > 0 ? `${issue.path.join(".")}: ${issue.message}` : issue.message))
    .join("; ");
}

/** Replaces the line breaks in valid JSON, which allows them only between tokens. */
function onOneLine(json: string): string {
  return /[\r\n]/.test(json) ? json.replace(/[\r\n]+/g, " ").trim() : json.trim();
}
