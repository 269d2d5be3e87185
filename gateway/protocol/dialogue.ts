import { type ClassMask, isReadable, readMask } from "../../shared/ami/eventClass.ts";
import type { AmiUser } from "../users.ts";
import type { World } from "./action.ts";
import { READ_ACTIONS, readActions, SESSION_ACTIONS } from "./actions.ts";
import { actionId, failure, headers, permissionDenied, response, success } from "./answers.ts";
import type { LoginProof } from "./proof.ts";
import { REFUSED_ACTIONS } from "./refusedActions.ts";
import { type AmiRequest, filledHeaderOf, headerOf, textOf } from "./request.ts";
import { addedFilter } from "./sessionFilters.ts";

/**
 * The conversation of one Manager session, over TCP or HTTP, without sockets and clocks. The state has two phases:
 *
 * | phase                  | answers                                                      | leaves by                 |
 * |------------------------|--------------------------------------------------------------|---------------------------|
 * | before login (`login` undefined) | Login, Challenge, Logoff; all others are refused   | `loggedIn`, a close       |
 * | logged in              | the read actions; control actions are refused                | Logoff, a failed write    |
 *
 * `handle` is called with one request at a time. It returns the answer, or what the caller must do before there is one:
 * look up the user (then `loggedIn` or `loginRefused`), or wait for an event (then `waited`). Until then no further
 * request may be handled, because answers come in the order of the requests.
 *
 * Asterisk: main/manager.c, `process_message` and the actions' functions.
 */
export interface Dialogue {
  /** Made by the first Challenge action; it stays the same for the whole session. */
  readonly challenge: string | undefined;
  readonly login: Login | undefined;
}

export interface Login {
  readonly user: AmiUser;
  /** The classes that the user may read. */
  readonly readable: ClassMask;
  /** The classes that the session asked for, of those that the user may read. */
  readonly mask: ClassMask;
  /** The user's filters, then those that the session added. */
  readonly filters: readonly string[];
}

export const NEW_DIALOGUE: Dialogue = { challenge: undefined, login: undefined };

/** What follows from a request. Texts are bytes, one character for each. */
export type Outcome =
  | { readonly kind: "answer"; readonly dialogue: Dialogue; readonly text: string }
  | { readonly kind: "close"; readonly text: string }
  | { readonly kind: "authenticate"; readonly username: string; readonly proof: LoginProof }
  /** Without `timeoutSeconds` there is no limit. */
  | { readonly kind: "wait"; readonly timeoutSeconds: number | undefined };

/** @param random makes a challenge: digits */
export function handle(dialogue: Dialogue, request: AmiRequest, world: World, random: () => string): Outcome {
  const answer = (text: string, changed: Partial<Dialogue> = {}): Outcome => ({
    kind: "answer",
    dialogue: { ...dialogue, ...changed },
    text,
  });
  if (request.problem === "too-many-lines")
    return answer(failure(request, "Too many lines in message or allocation failure"));
  if (request.problem === "line-too-long")
    return answer(failure(request, "Failed to parse message: line too long"));
  const action = filledHeaderOf(request, "Action");
  if (action === "") return answer(failure(request, "Missing action in request"));
  switch (action.toLowerCase()) {
    case "login":
      if (dialogue.login) return answer(success(request, "Already authenticated"));
      return authenticate(dialogue, request);
    case "logoff":
      return {
        kind: "close",
        text: response("Goodbye", request, [["Message", "Thanks for all the fish."]]),
      };
    case "challenge": {
      if (headerOf(request, "AuthType").toLowerCase() !== "md5")
        return answer(failure(request, "Must specify AuthType"));
      const challenge = dialogue.challenge ?? random();
      return answer(response("Success", request, [["Challenge", challenge]]), { challenge });
    }
  }
  const { login } = dialogue;
  if (login === undefined) return answer(permissionDenied(request));
  switch (action.toLowerCase()) {
    case "events":
      return changeMask(dialogue, login, request);
    case "filter":
      return addFilter(dialogue, login, request);
    case "listcommands":
      return answer(listCommands(request, login));
    case "waitevent":
      return { kind: "wait", timeoutSeconds: timeoutOf(request) };
    default:
      return answer(read(action, request, login, world));
  }
}

function authenticate({ challenge }: Dialogue, request: AmiRequest): Outcome {
  const isChallenge = headerOf(request, "AuthType").toLowerCase() === "md5";
  return {
    kind: "authenticate",
    username: textOf(headerOf(request, "Username")),
    proof: isChallenge
      ? { kind: "challenge", challenge, key: headerOf(request, "Key") }
      : { kind: "secret", secret: headerOf(request, "Secret") },
  };
}

/** A login that was accepted. `event` is FullyBooted, which the session gets after its answer if it reads such events. */
export function loggedIn(
  dialogue: Dialogue,
  request: AmiRequest,
  user: AmiUser,
  { pbx, nowEpochMillis }: Pick<World, "pbx" | "nowEpochMillis">,
): { readonly dialogue: Dialogue; readonly text: string; readonly event: string } {
  const readable = readMask(user.read) ?? 0;
  const asked = readMask(headerOf(request, "Events"));
  const mask = asked === undefined ? readable : readable & asked;
  const uptime = Math.max(0, Math.floor((nowEpochMillis - pbx.startedAtEpochMillis) / 1000));
  const booted = headers([
    ["Event", "FullyBooted"],
    ["Privilege", "system,all"],
    ["Uptime", uptime],
    ["LastReload", uptime],
    ["Status", "Fully Booted"],
  ]);
  return {
    dialogue: { ...dialogue, login: { user, readable, mask, filters: user.eventFilters } },
    text: success(request, "Authentication accepted"),
    event: isReadable(["system"], mask) ? `${booted}\r\n` : "",
  };
}

/** Manager's answer to a login that it does not accept, one second later; then it closes the connection. */
export function loginRefused(request: AmiRequest, reason: "failed" | "in-use"): string {
  return failure(request, reason === "failed" ? "Authentication failed" : "Login Already In Use");
}

/** The end of WaitEvent: `events` are the blocks that came while it waited. */
export function waited(request: AmiRequest, events: string): string {
  const complete = headers([["Event", "WaitEventComplete"], ...actionId(request)]);
  return `${success(request, "Waiting for Event completed.")}${events}${complete}\r\n`;
}

function changeMask(dialogue: Dialogue, login: Login, request: AmiRequest): Outcome {
  const asked = readMask(headerOf(request, "EventMask"));
  if (asked === undefined) return { kind: "answer", dialogue, text: failure(request, "Invalid event mask") };
  return {
    kind: "answer",
    dialogue: { ...dialogue, login: { ...login, mask: login.readable & asked } },
    text: response("Success", request, [["Events", asked > 0 ? "On" : "Off"]]),
  };
}

function addFilter(dialogue: Dialogue, login: Login, request: AmiRequest): Outcome {
  const refuse = (message: string): Outcome => ({
    kind: "answer",
    dialogue,
    text: failure(request, message),
  });
  if (headerOf(request, "Operation").toLowerCase() !== "add") return refuse("Unknown operation");
  const added = addedFilter(
    login.filters,
    textOf(headerOf(request, "MatchCriteria")),
    textOf(headerOf(request, "Filter")),
  );
  if ("refused" in added)
    return refuse(
      added.refused === "did-not-compile"
        ? "Filter did not compile.  Check the syntax of the filter given."
        : "Filter was formatted incorrectly.  Check the syntax of the filter given.",
    );
  return {
    kind: "answer",
    dialogue: { ...dialogue, login: { ...login, filters: [...login.filters, added.filter] } },
    text: success(request, "Success"),
  };
}

function listCommands(request: AmiRequest, { readable }: Login): string {
  const allowed = READ_ACTIONS.filter(({ shows }) => shows === undefined || isReadable([shows], readable));
  const commands = [...allowed, ...SESSION_ACTIONS].sort((a, b) =>
    a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1,
  );
  return response(
    "Success",
    request,
    commands.map(({ name, privilege }) => [name, ` (Priv: ${privilege})`]),
  );
}

/** The seconds of a WaitEvent; undefined for no limit. Asterisk: main/manager.c, `action_waitevent`. */
function timeoutOf(request: AmiRequest): number | undefined {
  const [number] = /^[+-]?\d{1,9}/.exec(headerOf(request, "Timeout")) ?? [];
  const seconds = number === undefined ? -1 : Number(number);
  return seconds < 0 ? undefined : seconds;
}

function read(name: string, request: AmiRequest, { readable }: Login, world: World): string {
  const action = readActions.get(name.toLowerCase());
  if (action !== undefined) {
    const isAllowed = action.shows === undefined || isReadable([action.shows], readable);
    return isAllowed ? action.answer(request, world) : permissionDenied(request);
  }
  if (REFUSED_ACTIONS.has(name.toLowerCase())) return permissionDenied(request);
  // Manager's buffer for this text has 512 bytes.
  const text = `Invalid/unknown command: ${name}. Use Action: ListCommands to show available commands.`;
  return failure(request, text.slice(0, 511));
}
