import type { CursorView } from "../../../client/index.ts";

type State = CursorView["state"];

/** Where each state stands in the picture. */
const PLACES: Readonly<Record<State, { readonly x: number; readonly y: number; readonly says: string }>> = {
  parked: { x: 80, y: 50, says: "waits at the end" },
  signalled: { x: 260, y: 50, says: "woken" },
  active: { x: 440, y: 50, says: "a turn sends" },
  backoff: { x: 440, y: 150, says: "waits to try again" },
  paused: { x: 80, y: 150, says: "by a person" },
  suspended: { x: 260, y: 150, says: "gave up" },
};

/** From a state's border to another's, and who does it. */
const ARROWS: readonly { readonly path: string; readonly label?: readonly [number, number, string] }[] = [
  { path: "M145 50 H193", label: [169, 43, "notify"] },
  { path: "M325 50 H373", label: [349, 43, "take"] },
  { path: "M425 24 C400 2 120 2 95 22", label: [260, 6, "park"] },
  { path: "M428 76 V122", label: [405, 103, "fails"] },
  { path: "M452 124 V78", label: [474, 103, "due"] },
  { path: "M374 68 L318 124" },
  { path: "M80 124 V78", label: [106, 103, "resume"] },
];

/** The states of a cursor, with the one that it is in. */
export function StateMachine({ state }: { state: State }) {
  return (
    <svg
      class="machine"
      viewBox="0 -6 520 190"
      role="img"
      aria-label={`State machine: the cursor is ${state}`}
    >
      <defs>
        <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
          <path d="M0 0 L8 4 L0 8 Z" />
        </marker>
      </defs>
      {ARROWS.map(({ path, label }) => (
        <g key={path}>
          <path class="way" d={path} marker-end="url(#arrow)" />
          {label && (
            <text class="by" x={label[0]} y={label[1]}>
              {label[2]}
            </text>
          )}
        </g>
      ))}
      {Object.entries(PLACES).map(([name, { x, y, says }]) => (
        <g key={name} class={name === state ? "state now" : "state"}>
          <rect x={x - 64} y={y - 25} width="128" height="50" rx="10" />
          <text x={x} y={y - 3}>
            {name}
          </text>
          <text class="says" x={x} y={y + 14}>
            {says}
          </text>
        </g>
      ))}
    </svg>
  );
}
