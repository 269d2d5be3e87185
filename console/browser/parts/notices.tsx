import type { ComponentChildren } from "preact";
import { timeOfDay } from "../format.ts";
import type { Polled } from "../poll.ts";
import { explain } from "../relay.ts";

/** Shown while nothing has arrived yet: that it loads, or why it does not. */
export function Waiting({ polled, what }: { polled: Polled<unknown>; what: string }) {
  if (polled.error === undefined)
    return (
      <p class="muted" role="status">
        Loading {what} …
      </p>
    );
  return (
    <div class="notice bad" role="alert">
      <p>
        <strong>The {what} could not be read.</strong> {explain(polled.error)}
      </p>
      <button type="button" onClick={polled.refresh}>
        Try again
      </button>
    </div>
  );
}

/** Says that what is shown is old. */
export function Stale({ polled }: { polled: Polled<unknown> }) {
  if (polled.error === undefined || polled.atEpochMillis === undefined) return null;
  const at = new Date(polled.atEpochMillis).toISOString();
  return (
    <p class="notice warn" role="status">
      As it was at {timeOfDay(at, Date.now())}. {explain(polled.error)} Trying again …
    </p>
  );
}

export function Empty({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}
