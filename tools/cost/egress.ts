import { eventsPerMonth, type Load } from "./load.ts";
import { interpolate, measurement } from "./measured.ts";
import { usdOf } from "./prices.ts";

/**
 * Bytes an event in the body of a webhook's request, as it is and with gzip, measured on recorded calls
 * (docs/webhooks.md, "Compressed requests"). A body has some 120 bytes around each event. Headers are not counted.
 */
const measuredBodies = [
  { eventsPerPage: 1, bytes: 815, gzipBytes: 508 },
  { eventsPerPage: 10, bytes: 692, gzipBytes: 89 },
  { eventsPerPage: 50, bytes: 687, gzipBytes: 41 },
];

/** What AWS charges for the relay's requests of a month. */
export function egressUsd(load: Load): number {
  // Larger and smaller events are assumed to compress equally.
  const scale = load.eventBytes / measurement.eventBytes;
  return usdOfBytes(load, load.isGzip ? bodyOf(load).gzipBytes * scale : bodyOf(load).bytes * scale);
}

/** The same for requests that hold the events alone. */
export function plainEgressUsd(load: Load): number {
  const { bytes, gzipBytes } = bodyOf(load);
  return usdOfBytes(load, load.eventBytes * (load.isGzip ? gzipBytes / bytes : 1));
}

function bodyOf({ eventsPerPage }: Load): { readonly bytes: number; readonly gzipBytes: number } {
  const line = (key: "bytes" | "gzipBytes") =>
    interpolate(
      measuredBodies.map((body) => ({ x: body.eventsPerPage, y: body[key] })),
      // Beyond the measured range nothing is known to shrink further.
      Math.min(eventsPerPage, measuredBodies.at(-1)?.eventsPerPage ?? 1),
    );
  return { bytes: line("bytes"), gzipBytes: line("gzipBytes") };
}

function usdOfBytes(load: Load, bytesPerEvent: number): number {
  return usdOf({ egressGigabyte: (eventsPerMonth(load) * load.sessions * bytesPerEvent) / 1e9 });
}
