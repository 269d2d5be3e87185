import { type AmiRequest, headerOf } from "./request.ts";

/** A header of an answer. Values are bytes, one character for each. */
export type AnswerField = readonly [name: string, value: string | number];

/** Characters that would start another header or end the block. */
const UNSAFE = /[\r\n\0]/g;

/** Writes headers as Manager does: a space follows each colon, even before an empty value. */
export function headers(fields: readonly AnswerField[]): string {
  return fields.map(([name, value]) => `${name}: ${String(value).replace(UNSAFE, "")}\r\n`).join("");
}

/** A response block: `Response`, the request's ActionID, then the fields. Asterisk: `astman_send_response_full`. */
export function response(kind: string, request: AmiRequest, fields: readonly AnswerField[]): string {
  return `${headers([["Response", kind], ...actionId(request), ...fields])}\r\n`;
}

export function success(request: AmiRequest, message: string): string {
  return response("Success", request, [["Message", message]]);
}

export function failure(request: AmiRequest, message: string): string {
  return response("Error", request, [["Message", message]]);
}

/** Manager's words for everything that a user may not do. */
export function permissionDenied(request: AmiRequest): string {
  return failure(request, "Permission denied");
}

/**
 * The answer of a list action: the response, an event for each item, and the event that completes the list. Items have
 * no Privilege, and their ActionID stands where Manager writes it.
 * Asterisk: `astman_send_listack`, `astman_send_list_complete_start`.
 */
export function list(request: AmiRequest, message: string, complete: string, parts: ListParts): string {
  const { items, count = items.length, last = [] } = parts;
  const id = actionId(request);
  const started = headers([["Response", "Success"], ...id, ["EventList", "start"], ["Message", message]]);
  const events = items.map(({ event, head = [], fields, idLast = false }) => {
    const body = idLast ? [...fields, ...id] : [...id, ...fields];
    return `${headers([["Event", event], ...head, ...body])}\r\n`;
  });
  const ended = headers([
    ["Event", complete],
    ...id,
    ["EventList", "Complete"],
    ["ListItems", count],
    ...last,
  ]);
  return `${started}\r\n${events.join("")}${ended}\r\n`;
}

export interface ListParts {
  readonly items: readonly ListItem[];
  /** When it is not the number of events. */
  readonly count?: number;
  /** Fields of the last event. */
  readonly last?: readonly AnswerField[];
}

export interface ListItem {
  readonly event: string;
  /** Fields before the ActionID. */
  readonly head?: readonly AnswerField[];
  readonly fields: readonly AnswerField[];
  /** Whether the ActionID comes after the fields. */
  readonly idLast?: boolean;
}

/** Empty when the request has none: no answer names an ActionID that nobody sent. */
export function actionId(request: AmiRequest): AnswerField[] {
  const id = headerOf(request, "ActionID");
  return id === "" ? [] : [["ActionID", id]];
}
