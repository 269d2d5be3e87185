import { LONGEST_BACKOFF_MILLIS } from "../sessions/cursor.ts";

/** The longest wait that an endpoint can ask for. */
export const MAX_RETRY_AFTER_MILLIS = LONGEST_BACKOFF_MILLIS;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const LONG_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day";
const MONTH = `(?<month>${MONTHS.join("|")})`;
const TIME = "(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})";

/** The three forms of HTTP-date (RFC 9110 5.6.7). A recipient must also accept the two obsolete forms. */
const HTTP_DATES = [
  new RegExp(`^${DAY}, (?<day>\\d{2}) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`), // IMF-fixdate
  new RegExp(`^${LONG_DAY}, (?<day>\\d{2})-${MONTH}-(?<year>\\d{2}) ${TIME} GMT$`), // RFC 850
  new RegExp(`^${DAY} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`), // asctime
];

/**
 * The wait that an endpoint asks for (RFC 9110 10.2.3: delta-seconds or an HTTP-date), in milliseconds from now,
 * between 0 and 24 hours. A time in the past is 0.
 * @returns undefined when the header is missing or has neither form.
 */
export function parseRetryAfter(value: string | undefined, nowEpochMillis: number): number | undefined {
  const text = value?.trim();
  if (text === undefined) return undefined;
  // The grammar has no sign, but servers that subtract two times may send one. It means "now".
  const millis = /^-?\d+$/.test(text)
    ? Number(text) * 1000
    : parseHttpDate(text, nowEpochMillis) - nowEpochMillis;
  if (Number.isNaN(millis)) return undefined;
  return Math.min(Math.max(millis, 0), MAX_RETRY_AFTER_MILLIS);
}

/** Epoch milliseconds, or NaN. */
function parseHttpDate(text: string, nowEpochMillis: number): number {
  for (const form of HTTP_DATES) {
    const groups = form.exec(text)?.groups;
    if (groups === undefined) continue;
    const month = MONTHS.indexOf(groups.month ?? "");
    const [day, hour, minute, second] = [groups.day, groups.hour, groups.minute, groups.second].map(Number);
    const year = fullYear(groups.year ?? "", nowEpochMillis);
    if (day === undefined || hour === undefined || minute === undefined || second === undefined)
      return Number.NaN;
    // 60 is a leap second (RFC 9110 5.6.7).
    if (hour > 23 || minute > 59 || second > 60) return Number.NaN;
    const isDayOfMonth = new Date(Date.UTC(year, month, day)).getUTCDate() === day;
    return isDayOfMonth ? Date.UTC(year, month, day, hour, minute, second) : Number.NaN;
  }
  return Number.NaN;
}

/** RFC 9110 5.6.7: a two-digit year more than 50 years ahead is the most recent past year with these digits. */
function fullYear(digits: string, nowEpochMillis: number): number {
  if (digits.length !== 2) return Number(digits);
  const thisYear = new Date(nowEpochMillis).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + Number(digits);
  return year > thisYear + 50 ? year - 100 : year;
}
