import type { Session } from "../../../client/index.ts";

/** How each state looks: a shape besides the colour, for people who see no difference between colours. */
const LOOKS = {
  active: { mark: "●", tone: "good" },
  backoff: { mark: "▲", tone: "warn" },
  paused: { mark: "❚❚", tone: "muted" },
  suspended: { mark: "■", tone: "bad" },
} as const;

export function StateBadge({ state }: { state: Session["state"] }) {
  const { mark, tone } = LOOKS[state];
  return (
    <span class={`badge ${tone}`}>
      <span aria-hidden="true">{mark}</span> {state}
    </span>
  );
}
