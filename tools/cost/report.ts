import { tableLines } from "../../cli/terminal/table.ts";
import { type Alternative, alternatives } from "./alternatives.ts";
import { egressUsd } from "./egress.ts";
import { eventsPerMonth, type Load } from "./load.ts";
import { fastestPace, measurement, mostSessions } from "./measured.ts";
import { prices } from "./prices.ts";
import { type QuietFeed, quietFeeds } from "./quiet.ts";
import { type BillItem, relayBill, singleWakesMoreUsd } from "./relay.ts";

export interface Report {
  readonly load: Load;
  /** The items of the bill. */
  readonly parts: readonly BillItem[];
  readonly usd: number;
  /** The cost of a month in which nothing happens; included in `usd`. */
  readonly idleUsd: number;
  /** The cost if AWS passed every wake to deliver one by one. The real bill lies between the two. */
  readonly singleWakesUsd: number;
  /** The cost with the other setting for freed pages. */
  readonly otherFreeing: { readonly freeing: Load["freeing"]; readonly usd: number };
  readonly egressUsd: number;
  readonly egressGzipUsd: number;
  readonly usdPerMillionDeliveries: number;
  readonly alternatives: readonly Alternative[];
  readonly quietFeeds: readonly QuietFeed[];
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
  const freeing = load.freeing === "expire" ? "at-once" : "expire";
  return {
    load,
    parts: bill,
    usd,
    idleUsd: sum(relayBill({ ...load, eventsPerSecond: 0 })),
    singleWakesUsd: usd + singleWakesMoreUsd(load),
    otherFreeing: { freeing, usd: sum(relayBill({ ...load, freeing })) },
    egressUsd: egressUsd({ ...load, isGzip: false }),
    egressGzipUsd: egressUsd({ ...load, isGzip: true }),
    usdPerMillionDeliveries: deliveries === 0 ? 0 : (usd / deliveries) * 1e6,
    alternatives: alternatives(load),
    quietFeeds: quietFeeds(load),
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

/** With cents where they matter. */
function dollars(usd: number): string {
  const digits = usd < 1_000 ? 2 : 0;
  return `$${usd.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

/** No line is longer than 120 columns. */
export function textOf(report: Report): string {
  return [
    ...headingOf(report),
    "",
    ...billOf(report),
    "",
    ...alternativesOf(report),
    "",
    ...quietFeedsOf(report),
    "",
    ...sourcesOf(report),
    "",
  ].join("\n");
}

function headingOf({ load }: Report): string[] {
  const { eventsPerSecond, eventBytes, eventsPerPage, sessions } = load;
  return [
    `A month: ${eventsPerSecond} events/s of ${eventBytes} bytes, ${eventsPerPage} a page, to ${sessions} sessions.`,
    "us-east-1, list prices, no free tier.",
  ];
}

function billOf(report: Report): string[] {
  const { parts, load, otherFreeing } = report;
  return indented(
    [
      ["stasis-relay", "", "a month", ""],
      // What costs less than a cent is left out.
      ...parts
        .filter(({ usd }) => usd >= 0.005)
        .map((part) => [part.owner, part.name, dollars(part.usd), part.idle ? "also when idle" : ""]),
      ["Sum", "", dollars(report.usd), `$${report.usdPerMillionDeliveries.toFixed(4)} a million deliveries`],
      [
        "",
        "if AWS passes on every wake alone",
        dollars(report.singleWakesUsd),
        "the bill lies between the two",
      ],
      ["", `with RELAY_FREEING=${otherFreeing.freeing}`, dollars(otherFreeing.usd), `here: ${load.freeing}`],
      ["", "a month without events", dollars(report.idleUsd), "for any number of sessions"],
      ["Egress to the internet", "", dollars(report.egressUsd), "not included"],
      ["", "if all sessions use gzip", dollars(report.egressGzipUsd), ""],
    ],
    [0, 1, 3],
  );
}

function alternativesOf({ alternatives: ways, usd, idleUsd, ...report }: Report): string[] {
  const keeps = ({ isOrdered, canReplay }: Pick<Alternative, "isOrdered" | "canReplay">) =>
    [isOrdered ? "order" : "", canReplay ? "replay" : ""].filter(Boolean).join(", ") || "neither";
  const relay = {
    name: "stasis-relay",
    isOrdered: true,
    canReplay: true,
    lacks: "",
    usd,
    idleUsd,
    egressUsd: report.load.isGzip ? report.egressGzipUsd : report.egressUsd,
  };
  return [
    "Other ways to deliver the same events to the same webhooks. Only the moving of events: no alarms, no API.",
    "By page: the producer batches events as a page does.",
    ...indented(
      [
        ["", "a month", "egress", "idle", "keeps", "limits"],
        ...[relay, ...ways].map((way) => [
          way.name,
          dollars(way.usd),
          dollars(way.egressUsd),
          dollars(way.idleUsd),
          keeps(way),
          way.lacks,
        ]),
      ],
      [0, 4, 5],
    ),
    ...verdictOf(ways, usd),
  ];
}

function verdictOf(ways: readonly Alternative[], usd: number): string[] {
  const cheaper = ways.filter((way) => way.usd < usd);
  if (cheaper.length === 0) return ["None is cheaper on this load."];
  const areAllUnlike = cheaper.every(({ isOrdered, canReplay }) => !isOrdered && !canReplay);
  return [
    "Cheaper on this load:",
    ...cheaper.map(({ name }) => `  ${name}`),
    ...(areAllUnlike ? ["None of those that keep order or replay is cheaper."] : []),
  ];
}

function quietFeedsOf({ quietFeeds: feeds, load }: Report): string[] {
  return [
    `A quiet feed with 5 events/s to ${load.sessions} sessions, all items of the bill included:`,
    ...indented(
      [
        ["", "a month", "pages/s"],
        ...feeds.map(({ name, usd, pagesPerSecond }) => [name, dollars(usd), String(pagesPerSecond)]),
      ],
      [0],
    ),
  ];
}

function sourcesOf({ measured }: Report): string[] {
  const third = Object.values(prices).filter(({ thirdParty }) => thirdParty).length;
  return [
    `Requests, capacity and function times are counted: tools/bench/requests.json, ${measured.on},`,
    `${measured.machine}.`,
    `They are counted with cursor groups, up to ${measured.mostSessions} sessions and ${measured.fastestPace} pages a second, and extrapolated beyond.`,
    `Prices: tools/cost/prices.ts; ${third} of ${Object.keys(prices).length} from third parties.`,
  ];
}

function indented(rows: readonly (readonly string[])[], textColumns: readonly number[]): string[] {
  return tableLines(rows, textColumns).map((line) => `  ${line}`);
}
