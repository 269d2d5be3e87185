import measured from "../bench/requests.json" with { type: "json" };
import type { Load } from "./load.ts";

/** The figures that the bench counted (`npm run bench:requests -- --write`). Functions here interpolate other loads. */
export const measurement = measured;

export const meteredFunctions = ["ingest", "notify", "deliver"] as const;
export type MeteredFunction = (typeof meteredFunctions)[number];

/** One function's usage per page. */
export interface PerPage {
  readonly invocations: number;
  readonly seconds: number;
  /** Messages received: for notify and deliver, hints. */
  readonly records: number;
  readonly sends: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  /** CPU of the bench machine for all functions and the queues together, so an upper bound for one function. */
  readonly cpuSeconds: number;
}

type Steady = (typeof measured.steady)[number];

/** The most requests that one session can send, one after another. */
const MOST_REQUESTS_PER_SECOND = 1000 / measured.receiverMillis;

/** A session joins the fullest group with room, so all groups but one are full. */
export function groupsOf(sessions: number): number {
  return Math.ceil(sessions / measured.sessionsPerRow);
}

/**
 * The conditions under which the sessions kept up. On a machine that is too busy, sessions fall behind, send several
 * pages together, and look cheaper than they are.
 */
export const keptUp = measured.steady.filter(
  ({ pages, sessions, pagesPerSecond, webhookRequests, hasCaughtUp }) => {
    const most = pages * sessions * Math.min(1, MOST_REQUESTS_PER_SECOND / pagesPerSecond);
    return hasCaughtUp && webhookRequests >= 0.85 * most;
  },
);
/** Those with more than one condition: a line over the sessions needs two. */
const paces = [...new Set(keptUp.map(({ pagesPerSecond }) => pagesPerSecond))]
  .filter((pace) => keptUp.filter(({ pagesPerSecond }) => pagesPerSecond === pace).length > 1)
  .sort((a, b) => a - b);

/** The highest measured number of sessions. */
export const mostSessions = Math.max(...keptUp.map(({ sessions }) => sessions));
export const fastestPace = Math.max(...paces);

/**
 * Interpolates between measured conditions: over the sessions, also beyond the measured range, and over the logarithm of
 * the pages per second, constant outside the range. A session that gets more pages per second than it can send requests
 * sends several together, so deliver's usage stops growing there.
 */
export function perPage(name: MeteredFunction, pagesPerSecond: number, sessions: number): PerPage {
  const saturated = Math.max(fastestPace, MOST_REQUESTS_PER_SECOND);
  const share = name === "deliver" ? Math.min(1, saturated / pagesPerSecond) : 1;
  return everyFigure((key) => {
    const points = paces.map((pace) => ({ x: Math.log(pace), y: atPace(name, key, pace, sessions) }));
    const within = Math.min(Math.max(Math.log(pagesPerSecond), points[0]?.x ?? 0), points.at(-1)?.x ?? 0);
    return share * interpolate(points, within);
  });
}

function atPace(name: MeteredFunction, key: keyof PerPage, pace: number, sessions: number): number {
  const points = keptUp
    .filter((each) => each.pagesPerSecond === pace)
    .map((each) => ({ x: each.sessions, y: usePerPage(name, each)[key] }));
  // Ingest does not depend on the number of sessions: differences between the conditions are chance.
  if (name === "ingest") return points.reduce((sum, { y }) => sum + y, 0) / points.length;
  return Math.max(0, overGroups(points, sessions, measured.sessionsPerRow));
}

/**
 * Interpolates over numbers of sessions of which `perGroup` share a group. Up to one group it is the line through the
 * points. Beyond, a figure has two parts: a session's, as within the first group, and the rest, which is interpolated over
 * the groups. So the 33rd session has the cost of a group, and the 34th only its own.
 */
export function overGroups(
  points: readonly { readonly x: number; readonly y: number }[],
  sessions: number,
  perGroup: number,
): number {
  const inOne = points.filter(({ x }) => x <= perGroup);
  if (sessions <= perGroup) return interpolate(inOne, sessions);
  const [least, most] = [inOne[0], inOne.at(-1)];
  const each = least && most && most.x > least.x ? (most.y - least.y) / (most.x - least.x) : 0;
  const rest = points
    .filter(({ x }) => x >= perGroup)
    .map(({ x, y }) => ({ x: Math.ceil(x / perGroup), y: y - each * x }));
  return each * sessions + interpolate(rest, Math.ceil(sessions / perGroup));
}

function usePerPage(name: MeteredFunction, { usage, pages, cpuMillis }: Steady): PerPage {
  const use = usage[name];
  const requests: Readonly<Record<string, number>> = use.requests;
  const sends = (requests.SendMessageCommand ?? 0) + (requests.SendMessageBatchCommand ?? 0);
  return {
    invocations: use.invocations / pages,
    seconds: use.millis / 1000 / pages,
    records: use.records / pages,
    sends: sends / pages,
    readUnits: use.readUnits / pages,
    writeUnits: use.writeUnits / pages,
    cpuSeconds: cpuMillis / 1000 / pages,
  };
}

/** The item size of a page of this load, assuming that larger and smaller events compress equally. */
export function pageBytes({ eventsPerPage, eventBytes }: Pick<Load, "eventsPerPage" | "eventBytes">): number {
  const points = measured.pages.map((page) => ({ x: page.eventsPerPage, y: page.itemBytes }));
  return interpolate(points, eventsPerPage) * (eventBytes / measured.eventBytes);
}

/** The write units of a page of this load. */
export function pageWriteUnits(load: Pick<Load, "eventsPerPage" | "eventBytes">): number {
  const points = measured.pages.map((page) => ({ x: page.eventsPerPage, y: page.writeUnits }));
  const scale = load.eventBytes / measured.eventBytes;
  return Math.max(1, interpolate(points, load.eventsPerPage) * scale);
}

/**
 * The write units that freeing one segment takes beside the deletion of its pages: the head's transaction over all
 * shards of the count, and the deletion of these. The bench frees segments of 1,000 messages.
 */
export function freeingUnitsPerSegment(): number {
  const { eventsPerPage, writeUnitsPerPage } = measured.freeing;
  const deleted = pageWriteUnits({ eventsPerPage, eventBytes: measured.eventBytes });
  return (writeUnitsPerPage - deleted) * (FREED_SEGMENT_MESSAGES / eventsPerPage);
}

const FREED_SEGMENT_MESSAGES = 1_000;

/** The usage of one sweep of one quiet feed. */
export function perSweep(sessions: number) {
  const line = (key: keyof (typeof measured.sweeps)[number]["perSweep"]) =>
    Math.max(
      0,
      interpolate(
        measured.sweeps.map((each) => ({ x: each.sessions, y: each.perSweep[key] })),
        sessions,
      ),
    );
  return { seconds: line("millis") / 1000, readUnits: line("readUnits"), writeUnits: line("writeUnits") };
}

/** Linear interpolation between the points. The outer lines continue beyond them. Points are in order of `x`. */
export function interpolate(points: readonly { x: number; y: number }[], x: number): number {
  const right = points.findIndex((point) => point.x >= x);
  const index = right < 0 ? points.length - 1 : Math.max(1, right);
  const [from, to] = [points[index - 1], points[index]];
  if (to === undefined || from === undefined) return points[0]?.y ?? Number.NaN;
  return from.y + ((to.y - from.y) * (x - from.x)) / (to.x - from.x);
}

function everyFigure(read: (key: keyof PerPage) => number): PerPage {
  return {
    invocations: read("invocations"),
    seconds: read("seconds"),
    records: read("records"),
    sends: read("sends"),
    readUnits: read("readUnits"),
    writeUnits: read("writeUnits"),
    cpuSeconds: read("cpuSeconds"),
  };
}
