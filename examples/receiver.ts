/**
 * A receiver for one session. It verifies every request, checks that no message is missing, and prints a line per message.
 *
 *   WEBHOOK_SECRET=whsec_… npx node examples/receiver.ts
 *
 * It listens on PORT (9000) and keeps its place in the feed in STATE_FILE (receiver-state.json).
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { type ChainState, follow, gapOf, type Message } from "../client/index.ts";
import { NodeReceiver, verified } from "../client/nodeReceiver.ts";

const { WEBHOOK_SECRET: secret, PORT = "9000", STATE_FILE = "receiver-state.json" } = process.env;
if (!secret) refuse("set WEBHOOK_SECRET to the secret in the response that created the session");
const port = Number(PORT);
if (!/^\d+$/.test(PORT) || port > 65_535) refuse(`PORT must be a number from 0 to 65535, not "${PORT}"`);

/** Where the receiver stands, and in which session: another session has numbers of its own. */
interface StoredState extends ChainState {
  readonly session: string;
}

const receiver = await NodeReceiver.start({
  port,
  // The requests of a session with `compress` arrive inflated. In your own server, `webhookText` does that. The signature is
  // that of the text.
  answer: verified(secret, ({ request }) => {
    const step = follow(readState(request.session), request);
    if (step.missing)
      console.error(`MISSING: at least one message from ${step.missing.first} to ${step.missing.last}`);

    // `step.messages` has only the new messages. A request can arrive twice: if your response is lost, the relay retries.
    for (const message of step.messages) console.log(describe(message));

    // Store the messages and the new state before you answer, ideally in one database transaction. If you answered
    // first, a crash would lose messages. An error thrown here becomes a 500, and the relay retries the request.
    writeState({ ...step.state, session: request.session });
  }),
}).catch((error: unknown) =>
  refuse(`cannot listen on port ${port}: ${error instanceof Error ? error.message : String(error)}`),
);
console.error(`listening at ${receiver.url("/")}`);

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void receiver[Symbol.asyncDispose]());

function refuse(why: string): never {
  console.error(why);
  process.exit(1);
}

function describe(message: Message): string {
  const gap = gapOf(message);
  // The relay reports messages that it can no longer deliver: docs/webhooks.md, "Gaps".
  if (gap) return `${message.sequence} GAP ${gap.first ?? gap.from} to ${gap.last ?? gap.to}: ${gap.reason}`;
  return `${message.sequence} ${message.timestamp} ${message.type}`;
}

/**
 * Without a file this is a new receiver, and it accepts any first request. Delete the file when you move the
 * session back (PATCH with "next"): otherwise the messages you asked for count as repeated.
 */
function readState(session: string): ChainState | undefined {
  try {
    const state = JSON.parse(readFileSync(STATE_FILE, "utf8")) as StoredState;
    return state.session === session ? state : undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Renaming replaces the file as a whole: a crash leaves the old state or the new one. */
function writeState(newState: StoredState): void {
  writeFileSync(`${STATE_FILE}.new`, JSON.stringify(newState));
  renameSync(`${STATE_FILE}.new`, STATE_FILE);
}
