import { lookup } from "node:dns/promises";
import type { Command } from "commander";
import { RelayCallError } from "../../client/relayCallError.ts";
import type { RelayClient } from "../../client/relayClient.ts";
import { contextPath, readContexts } from "../context.ts";
import { EXIT } from "../exitCodes.ts";
import { briefly, failureOf } from "../failure.ts";
import { columnsOfOutput, paint, type Style } from "../output/paint.ts";
import { plain } from "../output/plain.ts";
import { wrapped } from "../output/wrapped.ts";
import { abilityText, probeKey } from "../probe.ts";
import { type Run, runs } from "../run.ts";
import { isLoopback, resolveTarget, type Target } from "../target.ts";

interface Finding {
  readonly subject: string;
  readonly verdict: "ok" | "look" | "wrong";
  readonly detail: string;
}

const STYLES: Readonly<Record<Finding["verdict"], Style>> = { ok: "green", look: "yellow", wrong: "red" };

export function define(command: Command): void {
  command
    .description("Looks at everything between this machine and the relay's sessions, and says what is wrong.")
    .addHelpText("after", "\nExits with 1 when something is wrong. It changes nothing.")
    .action(runs(doctor));
}

async function doctor(run: Run) {
  const findings: Finding[] = [];
  for await (const finding of examine(run)) {
    findings.push(finding);
    if (!run.json) await run.print(line(finding));
  }
  const isWrong = findings.some(({ verdict }) => verdict === "wrong");
  if (run.json) await run.answer({ ok: !isWrong, findings }, () => []);
  return isWrong ? EXIT.failed : EXIT.done;
}

function line({ subject, verdict, detail }: Finding): string {
  const mark = verdict === "wrong" ? "WRONG" : verdict;
  const text = `${mark.padEnd(5)}  ${subject.padEnd(9)}  ${plain(detail)}`;
  // Painted at the end: colours have no width.
  return wrapped(text, columnsOfOutput(), " ".repeat(18)).replace(mark, paint(STYLES[verdict], mark));
}

/** Each step needs the one before it, so the first wrong one is the last. */
async function* examine(run: Run): AsyncGenerator<Finding> {
  const finding = (subject: string, verdict: Finding["verdict"], detail: string): Finding => ({
    subject,
    verdict,
    detail,
  });
  let target: Target;
  try {
    const { contexts } = await readContexts(contextPath(process.env));
    yield finding("contexts", "ok", `${Object.keys(contexts).length} in ${contextPath(process.env)}`);
    target = await resolveTarget(run.targetOptions, process.env);
  } catch (error) {
    yield finding("settings", "wrong", failureOf(error, undefined).message);
    return;
  }
  const { url, urlFrom, keyFrom } = target;
  const isOpen = url.startsWith("http:") && !isLoopback(url);
  yield finding(
    "relay",
    isOpen ? "look" : "ok",
    `${url} (from ${urlFrom})${isOpen ? ": keys and calls go there unencrypted" : ""}`,
  );
  const { hostname } = new URL(url);
  try {
    const addresses = await lookup(hostname.replace(/^\[|\]$/g, ""), { all: true });
    yield finding("name", "ok", addresses.map(({ address }) => address).join(", "));
  } catch {
    yield finding("name", "wrong", `${hostname} cannot be resolved: is it spelt right, is the network up?`);
    return;
  }
  const client = await run.connect();
  yield* examineHealth(url, client, finding);
  let ability: Awaited<ReturnType<typeof probeKey>>;
  try {
    ability = await probeKey(client);
    yield finding("key", "ok", `from ${keyFrom}: ${abilityText(ability)}`);
  } catch (error) {
    yield finding("key", "wrong", failureOf(error, target).message);
    return;
  }
  if (ability.reads) yield* examineSessions(client, finding);
}

type NewFinding = (subject: string, verdict: Finding["verdict"], detail: string) => Finding;

/** A difference between the clocks beyond it makes signatures stale. */
const CLOCK_TOLERANCE_MILLIS = 60_000;
const SLOW_MILLIS = 2_000;

async function* examineHealth(
  url: string,
  client: RelayClient,
  finding: NewFinding,
): AsyncGenerator<Finding> {
  const beganAtMillis = performance.now();
  try {
    await client.health();
  } catch (error) {
    const isAway = error instanceof RelayCallError && error.status === undefined;
    yield finding(
      "health",
      "wrong",
      isAway ? `no relay answers: ${briefly(error)}. Is it running, and is the port right?` : briefly(error),
    );
    return;
  }
  const tookMillis = Math.round(performance.now() - beganAtMillis);
  yield finding(
    "health",
    tookMillis > SLOW_MILLIS ? "look" : "ok",
    `the relay and its tables answer, in ${tookMillis} ms`,
  );
  // Any answer has the time.
  const date = await fetch(`${url}/v1/health`).then(
    async (response) => {
      await response.body?.cancel();
      return response.headers.get("date");
    },
    () => null,
  );
  const offMillis = date === null ? 0 : Date.now() - Date.parse(date);
  if (Math.abs(offMillis) > CLOCK_TOLERANCE_MILLIS)
    yield finding(
      "clock",
      "look",
      `this machine's clock is ${Math.round(Math.abs(offMillis) / 1000)} s ${offMillis > 0 ? "ahead of" : "behind"} the relay's: receivers here may refuse signatures`,
    );
}

async function* examineSessions(client: RelayClient, finding: NewFinding): AsyncGenerator<Finding> {
  let feeds = 0;
  for await (const _ of client.listFeeds()) feeds += 1;
  yield finding(
    "feeds",
    feeds === 0 ? "look" : "ok",
    feeds === 0 ? "there is none yet: nothing was ever appended" : `${feeds}`,
  );
  const counts = new Map<string, number>();
  for await (const { state } of client.listSessions()) counts.set(state, (counts.get(state) ?? 0) + 1);
  const text = [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
  const inTrouble = (counts.get("backoff") ?? 0) + (counts.get("suspended") ?? 0);
  yield finding(
    "sessions",
    inTrouble > 0 ? "look" : "ok",
    counts.size === 0 ? "none" : `${text}${inTrouble > 0 ? ": `stasis-relay sessions` says why" : ""}`,
  );
}
