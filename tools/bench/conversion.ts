import { EMPTY_CALL_MEMORY } from "../../shared/ami/callMemory.ts";
import { AmiConverter } from "../../shared/ami/convert.ts";
import { type Message, renderMessage } from "../../shared/queue/message.ts";
import type { StoredPage } from "../../shared/queue/page.ts";
import { decodePage, encodePage } from "../../shared/queue/pageCodec.ts";
import { readEvent, type StasisEvent } from "../../shared/stasis/event.ts";

const PAGE_MESSAGES = 50;

export interface ConversionResult {
  /** Events whose JSON is read and checked, converted and serialized. */
  readonly readAndConvertedPerSecond: number;
  /** Events, already read, that are converted and serialized. */
  readonly convertedPerSecond: number;
  readonly pageMicros: { readonly convert: number; readonly encode: number; readonly decode: number };
  readonly bytesPerMessage: number;
}

/** Measures conversion and the page codec on one core with the recorded events. Warmed up, best of 15 rounds. */
export function measureConversion(lines: readonly string[]): ConversionResult {
  const events = lines.map(eventOf);
  const pages: Message[][] = [];
  const messages = events.map(converted());
  for (let from = 0; from + PAGE_MESSAGES <= messages.length; from += PAGE_MESSAGES)
    pages.push(messages.slice(from, from + PAGE_MESSAGES));
  const stored = pages.map((page, index): StoredPage => {
    const facts = { first: index + 1, appendedAtEpochMillis: 0, appendId: "", runs: [], producers: [] };
    return { ...encodePage(page), ...facts };
  });
  const eventsPerSecond = (seconds: number) => events.length / seconds;
  const microsPerPage = (seconds: number) => (1e6 * seconds) / pages.length;
  const convertSeconds = best(() => events.forEach(converted()));
  return {
    readAndConvertedPerSecond: eventsPerSecond(best(() => lines.map(eventOf).forEach(converted()))),
    convertedPerSecond: eventsPerSecond(convertSeconds),
    pageMicros: {
      convert: (1e6 * convertSeconds * PAGE_MESSAGES) / events.length,
      encode: microsPerPage(best(() => pages.forEach(encodePage))),
      decode: microsPerPage(best(() => stored.forEach((page) => void decodePage("bench", page)))),
    },
    bytesPerMessage:
      stored.reduce((sum, { body }) => sum + body.byteLength, 0) / (stored.length * PAGE_MESSAGES),
  };
}

function eventOf(line: string): StasisEvent {
  const item = readEvent(line);
  if (!("event" in item)) throw new Error("the recording has a line that is not an event");
  return item.event;
}

function converted(): (event: StasisEvent) => Message {
  const converter = new AmiConverter(EMPTY_CALL_MEMORY);
  return (event) => {
    const ami = converter.convert(event);
    converter.passed(event);
    return renderMessage(event.type, event.timestamp ?? "", event.text, ami);
  };
}

/** Seconds of the fastest of 15 rounds. The others competed with the machine's other work. */
function best(round: () => void): number {
  let fastest = Number.POSITIVE_INFINITY;
  for (let count = 0; count < 15; count += 1) {
    const start = performance.now();
    round();
    fastest = Math.min(fastest, (performance.now() - start) / 1000);
  }
  return fastest;
}
