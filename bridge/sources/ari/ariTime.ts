const ASTERISK_TIME =
  /^(?<date>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)(?<hours>[+-]\d\d):?(?<minutes>\d\d)$/;

/**
 * The epoch milliseconds of a time as Asterisk writes it: `2026-11-23T08:00:24.396+0100`. Undefined if it is no time.
 * Asterisk: include/asterisk/localtime.h, `AST_ISO8601_FORMAT`; main/json.c, `ast_json_timeval`.
 */
export function parseAsteriskTime(text: string): number | undefined {
  const { date, hours, minutes } = ASTERISK_TIME.exec(text)?.groups ?? {};
  const millis = Date.parse(date === undefined ? text : `${date}${hours}:${minutes}`);
  return Number.isNaN(millis) ? undefined : millis;
}
