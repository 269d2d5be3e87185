import type { RelayError } from "../../shared/errors.ts";
import type { DirectHandler } from "./direct.ts";
import type { Credentials } from "./signature.ts";

/** A local stand-in for one AWS service, reached through the real AWS SDK. */
export interface Engine {
  readonly endpoint: string;
  /** The only ones that it accepts. They are made up at each start. */
  readonly credentials: Credentials;
  /** For the SDK's clients in this process: calls without a socket. */
  readonly directHandler: DirectHandler;
  /** Why it cannot keep what it is told at present; undefined when it can. */
  fault(): string | undefined;
  /** Resolves when the engine has ended and cannot be started again. */
  readonly failure: Promise<RelayError>;
  close(): Promise<void>;
}
