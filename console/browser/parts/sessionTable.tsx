import type { Session } from "../../../client/index.ts";
import { count, seconds } from "../format.ts";
import { nameOf, situation } from "../sessionWords.ts";
import { StateBadge } from "./stateBadge.tsx";

interface SessionTableProps {
  readonly sessions: readonly Session[];
  readonly now: number;
  readonly showsFeed?: boolean;
}

export function SessionTable({ sessions, now, showsFeed = false }: SessionTableProps) {
  return (
    <div class="table-frame">
      <table class="responsive">
        <thead>
          <tr>
            <th scope="col">Session</th>
            {showsFeed && <th scope="col">Feed</th>}
            <th scope="col">State</th>
            <th scope="col" class="number">
              Next
            </th>
            <th scope="col" class="number">
              Lag
            </th>
            <th scope="col">Now</th>
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <tr key={session.id}>
              <th scope="row" class="name">
                <a class="row-link" href={`/console/sessions/${encodeURIComponent(session.id)}`}>
                  {nameOf(session)}
                </a>
                <span class="kind">
                  {session.kind === "ami" ? "AMI" : session.format === "ami" ? "webhook, AMI" : "webhook"}
                </span>
              </th>
              {showsFeed && <td data-label="Feed">{session.feed}</td>}
              <td data-label="State">
                <StateBadge state={session.state} />
              </td>
              <td class="number" data-label="Next">
                {session.next === null ? "–" : count(session.next)}
              </td>
              <td class="number" data-label="Lag">
                <span>
                  {session.lagMessages === null ? "–" : count(session.lagMessages)}
                  {session.lagSeconds !== null && session.lagSeconds >= 1 && (
                    <span class="muted"> · {seconds(session.lagSeconds)}</span>
                  )}
                </span>
              </td>
              <td class="full situation">{situation(session, now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
