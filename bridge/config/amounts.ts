import * as z from "zod";

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};
const MILLIS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const AMOUNT = /^(\d{1,12}(?:\.\d{1,3})?) ?([A-Za-z]{1,3})$/;

/** An amount of bytes, such as `2GiB` or `500 MB`. */
export const bytesSchema = amount((unit) => BYTES[unit.toUpperCase()], "an amount of bytes, such as 2GiB");

/** A time, such as `7d` or `12h`. */
export const durationSchema = amount((unit) => MILLIS[unit], "a time, such as 7d or 12h");

function amount(factorOf: (unit: string) => number | undefined, what: string) {
  return z.string(`must be ${what}`).transform((text, context) => {
    const [, number, unit = ""] = AMOUNT.exec(text.trim()) ?? [];
    const factor = factorOf(unit);
    if (number !== undefined && factor !== undefined) return Math.round(Number(number) * factor);
    context.addIssue({ code: "custom", message: `must be ${what}; "${text}" is not` });
    return z.NEVER;
  });
}
