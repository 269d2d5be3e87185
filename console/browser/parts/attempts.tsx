import type { Attempt } from "../../../client/index.ts";
import { count, counted, fullTime, seconds, timeOfDay } from "../format.ts";
import { usePoll } from "../poll.ts";
import { relay } from "../relay.ts";
import { Stale, Waiting } from "./notices.tsx";

const EVERY_MILLIS = 3_000;

/** What the endpoint answered, the newest first. */
export function Attempts({ id, now }: { id: string; now: number }) {
  const polled = usePoll(() => relay.attempts(id), EVERY_MILLIS);
  const attempts = polled.data?.attempts;
  return (
    <section class="stack" aria-labelledby="attempts">
      <h2 id="attempts">Attempts</h2>
      <Stale polled={polled} />
      {attempts === undefined ? (
        <Waiting polled={polled} what="attempts" />
      ) : attempts.length === 0 ? (
        <p class="muted">Nothing was sent yet, or not in the last seven days.</p>
      ) : (
        <div class="table-frame">
          <table class="responsive">
            <thead>
              <tr>
                <th scope="col">Answered</th>
                <th scope="col">Outcome</th>
                <th scope="col">Messages</th>
                <th scope="col" class="number">
                  Requests
                </th>
                <th scope="col" class="number">
                  Longest
                </th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {attempts.map((attempt) => (
                <AttemptRow key={`${attempt.batch} ${attempt.since}`} attempt={attempt} now={now} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function AttemptRow({ attempt, now }: { attempt: Attempt; now: number }) {
  return (
    <tr>
      <th scope="row">
        <time dateTime={attempt.at} title={fullTime(attempt.at)}>
          {timeOfDay(attempt.at, now)}
        </time>
      </th>
      <td data-label="Outcome">
        <Outcome attempt={attempt} />
      </td>
      <td data-label="Messages">
        {attempt.test === undefined ? range(attempt) : "test message"}
        {attempt.gap !== undefined && ` (gap: ${attempt.gap})`}
      </td>
      <td class="number" data-label="Requests">
        {count(attempt.requests)}
      </td>
      <td class="number" data-label="Longest">
        {seconds(attempt.durationMillis / 1000)}
      </td>
      <td class="full situation">{attempt.detail ?? ""}</td>
    </tr>
  );
}

export function Outcome({ attempt }: { attempt: Attempt }) {
  const isGood = attempt.outcome === "accepted";
  return (
    <span class={`badge ${isGood ? "good" : "bad"}`}>
      <span aria-hidden="true">{isGood ? "✓" : "✕"}</span> {attempt.outcome}
      {attempt.status !== undefined && ` ${attempt.status}`}
    </span>
  );
}

function range({ first, last, messages }: Attempt): string {
  if (first === last) return count(first);
  return `${count(first)} to ${count(last)}: ${counted(messages, "message")}`;
}
