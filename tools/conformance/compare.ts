import { commonSubsequence } from "./commonSubsequence.ts";
import { type ComparedMessage, fieldOf } from "./comparedMessage.ts";
import { explain, explainOrder } from "./exceptions.ts";

/** The counts for the messages of one AMI event. */
export interface EventTally {
  readonly name: string;
  /** Messages that Asterisk sent. */
  asterisk: number;
  /** Messages that the relay made. */
  relay: number;
  /** Messages that are equal field for field and in the same place among the messages of their object. */
  equal: number;
  /** Messages that an exception explains, by its name. */
  readonly explained: Map<string, number>;
}

export interface Difference {
  readonly name: string;
  readonly kind: "missing" | "too much" | "different" | "out of order";
  readonly object: string;
  readonly detail: string;
}

export interface Comparison {
  readonly tallies: readonly EventTally[];
  /** The differences that no exception explains. */
  readonly differences: readonly Difference[];
  /** The linked ids in messages that both sides have. */
  readonly linkedIds: { readonly equal: number; readonly all: number };
}

/**
 * Compares the messages that Asterisk's Manager sent with those that the relay made of the same calls' Stasis events,
 * in both directions.
 *
 * The two recordings are separate subscriptions. Messages of one channel, bridge or device have the same order in both,
 * but those of different objects may be interleaved differently. So the messages of each object are matched in order.
 * @param ignoreLinkedIds for recordings of an Asterisk that does not send linked ids: they are only counted
 */
export function compare(
  asterisk: readonly ComparedMessage[],
  relay: readonly ComparedMessage[],
  { ignoreLinkedIds = false } = {},
): Comparison {
  const report = new Report(ignoreLinkedIds);
  const theirs = Map.groupBy(asterisk, objectOf);
  const ours = Map.groupBy(relay, objectOf);
  for (const object of new Set([...theirs.keys(), ...ours.keys()]))
    for (const [sent, made] of align(theirs.get(object) ?? [], ours.get(object) ?? [], ignoreLinkedIds))
      report.add(object, sent, made);
  report.addDisorder(asterisk, relay);
  return report.result();
}

class Report {
  readonly #ignoreLinkedIds: boolean;
  readonly #tallies = new Map<string, EventTally>();
  readonly #differences: Difference[] = [];
  readonly #partners = new Map<ComparedMessage, ComparedMessage>();
  readonly #linkedIds = { equal: 0, all: 0 };

  constructor(ignoreLinkedIds: boolean) {
    this.#ignoreLinkedIds = ignoreLinkedIds;
  }

  add(object: string, sent: ComparedMessage | undefined, made: ComparedMessage | undefined): void {
    const message = sent ?? made;
    if (message === undefined) return;
    const { name } = message;
    const tally = this.#tallyOf(name);
    if (sent) tally.asterisk += 1;
    if (made) tally.relay += 1;
    if (sent && made) this.#countLinkedIds(sent, made);
    if (sent && made) this.#partners.set(made, sent);
    const differing = sent && made ? differingFields(sent, made, this.#ignoreLinkedIds) : [];
    if (sent && made && differing.length === 0) {
      tally.equal += 1;
      return;
    }
    const exception = explain({ sent, made, differing });
    if (exception !== undefined) {
      this.#countExplained(tally, exception);
      return;
    }
    const kind = sent === undefined ? "too much" : made === undefined ? "missing" : "different";
    const detail =
      sent && made ? differing.map((field) => fieldDifference(sent, made, field)).join("; ") : "";
    this.#differences.push({ name, kind, object, detail });
  }

  /** A message must keep its place among the messages of each object that it is about. */
  addDisorder(asterisk: readonly ComparedMessage[], relay: readonly ComparedMessage[]): void {
    const place = new Map(asterisk.map((message, index) => [message, index]));
    /** The last place among Asterisk's messages so far, by object and event. */
    const lastPlaces = new Map<string, Map<string, number>>();
    for (const made of relay) {
      const sent = this.#partners.get(made);
      const at = sent && place.get(sent);
      if (at === undefined) continue;
      for (const object of objectsOf(made)) {
        const places = lastPlaces.get(object) ?? new Map<string, number>();
        const overtaken = [...places].flatMap(([name, last]) => (at < last ? [name] : []));
        this.#tellDisorder(made.name, overtaken, object);
        places.set(made.name, Math.max(at, places.get(made.name) ?? -1));
        lastPlaces.set(object, places);
      }
    }
  }

  /** @param overtaken the events that come before the message on one side and after it on the other */
  #tellDisorder(name: string, overtaken: readonly string[], object: string): void {
    if (overtaken.length === 0) return;
    const exceptions = overtaken.map((other) => explainOrder([name, other]));
    if (exceptions.includes(undefined))
      this.#differences.push({ name, kind: "out of order", object, detail: "" });
    else this.#countExplained(this.#tallyOf(name), [...new Set(exceptions)].join(" and "));
  }

  #countExplained({ explained }: EventTally, exception: string): void {
    explained.set(exception, (explained.get(exception) ?? 0) + 1);
  }

  result(): Comparison {
    return {
      tallies: [...this.#tallies.values()].sort((a, b) => a.name.localeCompare(b.name)),
      differences: this.#differences,
      linkedIds: this.#linkedIds,
    };
  }

  #tallyOf(name: string): EventTally {
    const tally = this.#tallies.get(name) ?? { name, asterisk: 0, relay: 0, equal: 0, explained: new Map() };
    this.#tallies.set(name, tally);
    return tally;
  }

  #countLinkedIds(sent: ComparedMessage, made: ComparedMessage): void {
    for (const [name, value] of sent.fields)
      if (isLinkedId(name)) {
        this.#linkedIds.all += 1;
        if (fieldOf(made, name) === value) this.#linkedIds.equal += 1;
      }
  }
}

/** The main object of a message. */
function objectOf(message: ComparedMessage): string {
  return objectsOf(message)[0] ?? "system";
}

function objectsOf(message: ComparedMessage): string[] {
  const of = (kind: string, field: string) => {
    const value = fieldOf(message, field);
    return value === undefined ? [] : [`${kind} ${value}`];
  };
  return [
    // For a user event about several channels, ARI shows the last channel.
    ...of("channel", lastChannel(message)),
    ...of("channel", "DestUniqueid"),
    ...of("channel", "TransfererUniqueid"),
    ...of("channel", "OrigTransfererUniqueid"),
    ...of("bridge", "BridgeUniqueid"),
    ...of("bridge", "ToBridgeUniqueid"),
    ...of("device", "Device"),
    ...of("endpoint", "Peer"),
    ...of("endpoint", "EndpointName"),
  ];
}

function lastChannel({ name, fields }: ComparedMessage): string {
  const last = name === "UserEvent" ? fields.findLast(([field]) => /^\d+Uniqueid$/.test(field)) : undefined;
  return last?.[0] ?? "Uniqueid";
}

type Pair = readonly [sent: ComparedMessage | undefined, made: ComparedMessage | undefined];

/**
 * Pairs two runs of messages: equal ones by the longest common subsequence, then equal ones at other places, then those
 * between two pairs by event name and in order. Last, what is left on both sides when an exception explains how it differs.
 * `addDisorder` reports pairs whose order differs.
 */
function align(
  sent: readonly ComparedMessage[],
  made: readonly ComparedMessage[],
  ignoreLinkedIds: boolean,
): Pair[] {
  const keyOf = ({ name, fields }: ComparedMessage) =>
    JSON.stringify([name, fields.filter(([field]) => !(ignoreLinkedIds && isLinkedId(field)))]);
  const anchors = commonSubsequence(sent.map(keyOf), made.map(keyOf));
  const [anchoredSent, anchoredMade] = [
    new Set(anchors.map(([at]) => at)),
    new Set(anchors.map(([, at]) => at)),
  ];
  const moved = pairMoved(
    sent.filter((_, at) => !anchoredSent.has(at)),
    made.filter((_, at) => !anchoredMade.has(at)),
    keyOf,
  );
  const isMoved = new Set(moved.flat());
  const pairs: Pair[] = [...moved];
  let [sentFrom, madeFrom] = [0, 0];
  for (const [sentAt, madeAt] of [...anchors, [sent.length, made.length] as const]) {
    const between = (messages: readonly ComparedMessage[], from: number, to: number) =>
      messages.slice(from, to).filter((message) => !isMoved.has(message));
    pairs.push(...pairByName(between(sent, sentFrom, sentAt), between(made, madeFrom, madeAt)));
    if (sentAt < sent.length) pairs.push([sent[sentAt], made[madeAt]]);
    [sentFrom, madeFrom] = [sentAt + 1, madeAt + 1];
  }
  return pairExplained(pairs, ignoreLinkedIds);
}

/** Pairs equal messages, wherever they are. */
function pairMoved(
  sent: readonly ComparedMessage[],
  made: readonly ComparedMessage[],
  keyOf: (message: ComparedMessage) => string,
): [sent: ComparedMessage, made: ComparedMessage][] {
  const left = Map.groupBy(made, keyOf);
  return sent.flatMap((message): [ComparedMessage, ComparedMessage][] => {
    const same = left.get(keyOf(message))?.shift();
    return same === undefined ? [] : [[message, same]];
  });
}

/** Pairs messages that are alone, of one event, whose differences an exception explains. */
function pairExplained(pairs: readonly Pair[], ignoreLinkedIds: boolean): Pair[] {
  const alone = pairs.flatMap(([sent, made]) => (sent === undefined && made !== undefined ? [made] : []));
  const taken = new Set<ComparedMessage>();
  const paired = pairs.map((pair): Pair => {
    const [sent, made] = pair;
    if (sent === undefined || made !== undefined) return pair;
    const partner = alone.find(
      (each) =>
        each.name === sent.name &&
        !taken.has(each) &&
        explain({ sent, made: each, differing: differingFields(sent, each, ignoreLinkedIds) }) !== undefined,
    );
    if (partner !== undefined) taken.add(partner);
    return [sent, partner];
  });
  return paired.filter(([sent, made]) => sent !== undefined || made === undefined || !taken.has(made));
}

function pairByName(sent: readonly ComparedMessage[], made: readonly ComparedMessage[]): Pair[] {
  const left = Map.groupBy(made, ({ name }) => name);
  const pairs: Pair[] = sent.map((message) => [message, left.get(message.name)?.shift()]);
  return [...pairs, ...[...left.values()].flat().map((message): Pair => [undefined, message])];
}

/** The names of the fields that differ; `(order)` when only the order of the fields differs. */
function differingFields(sent: ComparedMessage, made: ComparedMessage, ignoreLinkedIds: boolean): string[] {
  const compared = ({ fields }: ComparedMessage) =>
    fields.filter(([name]) => !(ignoreLinkedIds && isLinkedId(name)));
  if (JSON.stringify(compared(sent)) === JSON.stringify(compared(made))) return [];
  const names = new Set([...compared(sent), ...compared(made)].map(([name]) => name));
  const valuesOf = (message: ComparedMessage, field: string) =>
    JSON.stringify(message.fields.filter(([name]) => name === field));
  const differing = [...names].filter((field) => valuesOf(sent, field) !== valuesOf(made, field));
  return differing.length === 0 ? ["(order)"] : differing;
}

function fieldDifference(sent: ComparedMessage, made: ComparedMessage, field: string): string {
  return `${field}: ${JSON.stringify(fieldOf(sent, field))} instead of ${JSON.stringify(fieldOf(made, field))}`;
}

function isLinkedId(field: string): boolean {
  return field.endsWith("Linkedid");
}
