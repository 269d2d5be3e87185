import type { EventClass } from "../../shared/ami/eventClass.ts";
import type { TrackedState } from "../state/trackedState.ts";
import type { PbxFacts } from "./pbx.ts";
import type { AmiRequest } from "./request.ts";

/** What an answer may depend on besides the request. */
export interface World {
  readonly nowEpochMillis: number;
  /** For Ping, whose time has six digits. */
  readonly nowEpochMicros: number;
  readonly pbx: PbxFacts;
  readonly state: TrackedState;
}

/** The answer's bytes, one character for each. */
export type Answer = (request: AmiRequest, world: World) => string;

/** An action whose answer does not depend on the session. */
export interface ReadAction {
  /** In Manager's spelling. */
  readonly name: string;
  /** As ListCommands says it: the write classes of which Manager asks for one. */
  readonly privilege: string;
  /** The class of events with the same content. Whoever may not read those gets no list of them either. */
  readonly shows?: EventClass;
  readonly answer: Answer;
}
