/**
 * A receiver for one session: verifies every request, proves that nothing is missing, and prints one line a message.
 *
 *   WEBHOOK_SECRET=whsec_… npx node examples/receiver.ts
 *
 * PORT (9000) is where it listens, STATE_FILE (receiver-state.json) where it keeps how far it has come.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { type ChainState, follow, gapOf, type Message } from "../client/index.ts";
import { NodeReceiver, verified } from "../client/nodeReceiver.ts";

const { WEBHOOK_SECRET: secret, PORT = "9000", STATE_FILE = "receiver-state.json" } = process.env;
if (!secret) throw new Error("set WEBHOOK_SECRET to the secret that creating the session answered");

/** Where the receiver stands, and in which session: another session has numbers of its own. */
interface StoredState extends ChainState {
  readonly session: string;
}

const receiver = await NodeReceiver.start({
  port: Number(PORT),
  answer: verified(secret, ({ request }) => {
    const step = follow(readState(request.session), request);
    if (step.missing)
      console.error(`MISSING: a message from ${step.missing.first} to ${step.missing.last} never came`);

    // Only what is new. A request may come twice: when your answer is lost, the relay cannot know that you have it.
    for (const message of step.messages) console.log(describe(message));

    // Keep what you got and where you stand before you answer, best in one transaction of your database. Whoever
    // answers first loses messages in a crash. An error here becomes a 500, and the request comes again.
    writeState({ ...step.state, session: request.session });
  }),
});
console.error(`listening at ${receiver.url("/")}`);

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void receiver[Symbol.asyncDispose]());

function describe(message: Message): string {
  const gap = gapOf(message);
  // The relay says itself what it cannot deliver any more: docs/webhooks.md, "Gaps".
  if (gap) return `${message.sequence} GAP ${gap.first} to ${gap.last}: ${gap.reason}`;
  return `${message.sequence} ${message.timestamp} ${message.type}`;
}

/**
 * Without a file this is a new receiver, and whatever comes first is its beginning. Delete the file when you move the
 * session back (PATCH with "next"): otherwise messages that you ask for again count as repeated.
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
