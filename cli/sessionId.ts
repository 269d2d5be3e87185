import type { RelayClient } from "../client/relayClient.ts";
import type { Session } from "../client/types.ts";
import { CliError } from "./cliError.ts";
import { EXIT } from "./exitCodes.ts";

const WHOLE_ID = /^ses_[0-9a-f]{32}$/;
/** Shorter beginnings would read all sessions for a slip of the finger. */
const BEGINNING = /^ses_[0-9a-f]{2,31}…?$/;

/** What commands take for a session, for help texts. */
export const SESSION_HELP = "its id, the beginning of it, or the name of an AMI user";

/**
 * The session that somebody means.
 * @throws CliError when there is none, or more than one
 */
export async function findSession(client: RelayClient, text: string): Promise<Session> {
  if (WHOLE_ID.test(text)) return client.session(text);
  const found: Session[] = [];
  const beginning = BEGINNING.test(text) ? text.replace("…", "") : undefined;
  for await (const session of client.listSessions())
    if (
      (beginning !== undefined && session.id.startsWith(beginning)) ||
      (session.kind === "ami" && session.username.toLowerCase() === text.toLowerCase())
    )
      found.push(session);
  const [only] = found;
  if (only === undefined)
    throw new CliError(
      "session.unknown",
      `There is no session ${text}. \`stasis-relay sessions\` lists those that there are.`,
      EXIT.unknown,
    );
  if (found.length > 1)
    throw new CliError(
      "session.ambiguous",
      `${found.length} sessions are meant by ${text}: ${found
        .slice(0, 5)
        .map(({ id }) => id)
        .join(", ")}${found.length > 5 ? " …" : ""}`,
    );
  return only;
}
