import type { SpoolRecord } from "../spool.ts";
import { FORMATS, formatNumber } from "./spoolRow.ts";

/**
 * Records as four pieces of memory, which move to another thread without being copied. A record's body is often a slice
 * of a socket's buffer, which cannot be moved alone.
 */
export interface PackedRecords {
  readonly bodies: Uint8Array<ArrayBuffer>;
  /** Where each body ends. */
  readonly ends: Uint32Array<ArrayBuffer>;
  readonly formats: Uint8Array<ArrayBuffer>;
  readonly receivedAtEpochMillis: Float64Array<ArrayBuffer>;
}

export function packRecords(records: readonly SpoolRecord[]): PackedRecords {
  const total = records.reduce((sum, { body }) => sum + body.length, 0);
  const packed = {
    bodies: new Uint8Array(total),
    ends: new Uint32Array(records.length),
    formats: new Uint8Array(records.length),
    receivedAtEpochMillis: new Float64Array(records.length),
  };
  let end = 0;
  records.forEach(({ body, format, receivedAtEpochMillis }, index) => {
    packed.bodies.set(body, end);
    end += body.length;
    packed.ends[index] = end;
    packed.formats[index] = formatNumber(format);
    packed.receivedAtEpochMillis[index] = receivedAtEpochMillis;
  });
  return packed;
}

export function unpackRecords({
  bodies,
  ends,
  formats,
  receivedAtEpochMillis,
}: PackedRecords): SpoolRecord[] {
  return Array.from(ends, (end, index) => {
    const start = index === 0 ? 0 : (ends[index - 1] ?? 0);
    return {
      format: FORMATS[formats[index] === 1 ? 1 : 0],
      body: Buffer.from(bodies.buffer, start, end - start),
      receivedAtEpochMillis: receivedAtEpochMillis[index] ?? 0,
    };
  });
}

/** The memory to move with a message. */
export function memoryOf({ bodies, ends, formats, receivedAtEpochMillis }: PackedRecords): ArrayBuffer[] {
  return [bodies.buffer, ends.buffer, formats.buffer, receivedAtEpochMillis.buffer];
}
