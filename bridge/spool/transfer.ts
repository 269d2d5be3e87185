import { isUtf8 } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import type { Spool, SpoolRecord } from "../spool.ts";
import type { SpoolInspection } from "./inspect.ts";
import { openSpool } from "./openSpool.ts";
import { SpoolError } from "./spoolError.ts";

/**
 * A spool as text: a head with the producer and its position, then one line of JSON for each thing that the bridge knows
 * of the PBX, and for each record. A body is text, or
 * `base64` where its bytes are not UTF-8.
 */
export function* exportLines(spool: SpoolInspection, feed: string): Generator<string> {
  const { producer, acknowledged } = spool.state;
  yield line({ spool: 1, feed, producer, acknowledged });
  for (const [memory, value] of spool.memory()) yield line({ memory, value });
  for (const { position, record } of spool.records()) yield line({ position, ...shown(record) });
}

export function* refusedLines(spool: SpoolInspection): Generator<string> {
  for (const { producer, position, refusedAtEpochMillis, reason, record } of spool.refused())
    yield line({ producer, position, refusedAt: iso(refusedAtEpochMillis), reason, ...shown(record) });
}

function shown({ format, receivedAtEpochMillis, body }: SpoolRecord) {
  const content = isUtf8(body) ? { body: body.toString() } : { base64: body.toString("base64") };
  return { format, receivedAt: iso(receivedAtEpochMillis), ...content };
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

function iso(epochMillis: number): string {
  return new Date(epochMillis).toISOString();
}

const headSchema = z.object({
  spool: z.literal(1),
  producer: z.string().min(1).max(128),
  acknowledged: z.number().int().nonnegative(),
});

const recordSchema = z
  .object({ format: z.enum(["stasis", "ami"]), receivedAt: z.iso.datetime() })
  .and(z.union([z.object({ body: z.string() }), z.object({ base64: z.base64() })]));

const memorySchema = z.object({ memory: z.string(), value: z.string() });
const lineSchema = z.union([memorySchema, recordSchema]);

const IMPORT_RECORDS = 1000;
/** An import removes nothing, whatever the bridge's limits are. */
const NO_LIMITS = { maxBytes: 2 ** 40, maxAgeMillis: Number.MAX_SAFE_INTEGER, policy: "block" } as const;

/**
 * Reads an export into a spool that never had a record. The spool becomes the same producer at the same position, so that
 * what the relay has already is recognised. The exported spool must not be used any more.
 * @returns the number of records
 * @throws SpoolError `not-empty`; RangeError with the number of a line that is not of an export
 */
export async function importLines(
  path: string,
  lines: AsyncIterable<string>,
  parts: Parameters<typeof openSpool>[1],
): Promise<number> {
  let spool: Spool | undefined;
  try {
    let number = 0;
    let stored = 0;
    let waiting: SpoolRecord[] = [];
    for await (const text of lines) {
      number += 1;
      if (spool === undefined) spool = openAs(readLine(headSchema, text, number), path, parts);
      else if (text !== "") {
        const read = readLine(lineSchema, text, number);
        if ("memory" in read) spool.append([], new Map([[read.memory, read.value]]));
        else waiting.push(recordIn(read));
      }
      if (waiting.length < IMPORT_RECORDS) continue;
      spool.append(waiting);
      stored += waiting.length;
      waiting = [];
    }
    if (spool === undefined) throw new RangeError("there is no export to read");
    spool.append(waiting);
    return stored + waiting.length;
  } finally {
    spool?.close();
  }
}

/** Opens a spool that never had a record, as the exported producer. */
function openAs(
  { producer, acknowledged }: z.infer<typeof headSchema>,
  path: string,
  parts: Parameters<typeof openSpool>[1],
): Spool {
  const empty = openSpool({ path, limits: NO_LIMITS }, parts);
  const { acknowledged: used, records, refused } = empty.measure();
  empty.close();
  if (used + records + refused > 0)
    throw new SpoolError("not-empty", `${path}: the spool was used. Import into a feed that has no spool.`, {
      path,
    });
  using database = new DatabaseSync(path);
  database.prepare("UPDATE state SET producer = ?, acknowledged = ?").run(producer, acknowledged);
  return openSpool({ path, limits: NO_LIMITS }, parts);
}

function readLine<T>(schema: z.ZodType<T>, text: string, number: number): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new RangeError(`line ${number} is not of an export`, { cause });
  }
}

function recordIn(read: z.infer<typeof recordSchema>): SpoolRecord {
  return {
    format: read.format,
    receivedAtEpochMillis: Date.parse(read.receivedAt),
    body: "body" in read ? Buffer.from(read.body) : Buffer.from(read.base64, "base64"),
  };
}
