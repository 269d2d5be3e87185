import { tableLines } from "../../cli/terminal/table.ts";
import { type Alternative, alternatives } from "./alternatives.ts";
import { eventsPerMonth, type Load } from "./load.ts";
import { fastestPace, measurement, mostSessions } from "./measured.ts";
import { prices, usdOf } from "./prices.ts";
import { type BillItem, deliverLambdaUsd, relayBill, singleWakesUsd } from "./relay.ts";

export interface Report {
  readonly load: Load;
  /** The items of the bill. */
  readonly parts: readonly BillItem[];
  readonly usd: number;
  /** The cost of a month in which nothing happens; included in `usd`. */
  readonly idleUsd: number;
  /** The cost if AWS passed every wake to deliver one by one. The real bill lies between the two. */
  readonly singleWakesUsd: number;
  readonly egressUsd: number;
  readonly usdPerMillionDeliveries: number;
  readonly alternatives: readonly Alternative[];
  readonly measured: {
    readonly on: string;
    readonly machine: string;
    readonly mostSessions: number;
    readonly fastestPace: number;
  };
}

export function reportOf(load: Load): Report {
  const bill = relayBill(load);
  const usd = sum(bill);
  const deliveries = eventsPerMonth(load) * load.sessions;
  return {
    load,
    parts: bill,
    usd,
    idleUsd: sum(relayBill({ ...load, eventsPerSecond: 0 })),
    singleWakesUsd: usd + Math.max(0, singleWakesUsd(load) - deliverLambdaUsd(load)),
    egressUsd: usdOf({ egressGigabyte: (deliveries * load.eventBytes) / 1e9 }),
    usdPerMillionDeliveries: deliveries === 0 ? 0 : (usd / deliveries) * 1e6,
    alternatives: alternatives(load),
    measured: {
      on: measurement.measuredOn,
      machine: measurement.machine,
      mostSessions,
      fastestPace,
    },
  };
}

function sum(bill: readonly BillItem[]): number {
  return bill.reduce((total, { usd }) => total + usd, 0);
}

const dollars = (usd: number) =>
  `$${usd.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;

export function textOf(report: Report): string {
  const { load } = report;
  const relayRows = [
    ...report.parts.map(({ name, usd, idle }) => [name, dollars(usd), idle ? "also when idle" : ""]),
    ["Sum", dollars(report.usd), `$${report.usdPerMillionDeliveries.toFixed(3)} per million deliveries`],
    ["  if AWS passes on every wake alone", dollars(report.singleWakesUsd), "the bill lies between the two"],
    ["  a month without events", dollars(report.idleUsd), "the same for any number of sessions"],
    ["Egress to the internet, for any of these", dollars(report.egressUsd), "not included"],
  ];
  const alternativeRows = report.alternatives.map(({ name, usd, idleUsd, lacks }) => [
    name,
    dollars(usd),
    `idle ${dollars(idleUsd)}; ${lacks}`,
  ]);
  // One table, so that the prices of both parts share a column.
  const lines = tableLines([...relayRows, ...alternativeRows], [0, 2]).map((line) => `  ${line}`);
  const cheaper = report.alternatives.filter(({ usd }) => usd < report.usd);
  const sources = Object.values(prices).filter(({ thirdParty }) => thirdParty).length;
  return [
    `A month: ${load.eventsPerSecond} events/s of ${load.eventBytes} bytes, ${load.eventsPerPage} a page, to ${load.sessions} sessions. us-east-1, list prices, no free tier.`,
    "",
    "stasis-relay",
    ...lines.slice(0, relayRows.length),
    "",
    "Other ways to deliver the same events to the same webhooks (only the moving of events: no alarms, no API)",
    ...lines.slice(relayRows.length),
    "",
    cheaper.length === 0
      ? "None is cheaper on this load."
      : `Cheaper on this load: ${cheaper.map(({ name }) => name).join("; ")}.`,
    `Requests, capacity and function times are measured: tools/bench/requests.json, ${report.measured.on}, ${report.measured.machine}.`,
    `They are measured up to ${report.measured.mostSessions} sessions and ${report.measured.fastestPace} pages a second, and extrapolated beyond.`,
    `Prices: tools/cost/prices.ts; ${sources} of ${Object.keys(prices).length} from third parties.`,
    "",
  ].join("\n");
}
