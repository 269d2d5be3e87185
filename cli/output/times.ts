const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
] as const;

/** A length of time for people, in its two largest units: `2 h 5 min`, `12 s`, `0 s`. */
export function lengthText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const at = UNITS.findIndex(([, size]) => whole >= size);
  if (at < 0) return "0 s";
  const [name, size] = UNITS[at] ?? ["s", 1];
  const [smallName, smallSize] = UNITS[at + 1] ?? ["s", 1];
  const rest = Math.floor((whole % size) / smallSize);
  const large = `${Math.floor(whole / size)} ${name}`;
  // Seconds beside hours or days would only flicker.
  return rest === 0 || size === smallSize ? large : `${large} ${rest} ${smallName}`;
}

/** How long something took: `0.4 s`, `2 min 5 s`. */
export function tookText(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(1)} s` : lengthText(seconds);
}

/** How long ago it was: `12 s ago`; `never` without a time. */
export function agoText(iso: string | null, nowEpochMillis: number): string {
  if (iso === null) return "never";
  return `${lengthText((nowEpochMillis - Date.parse(iso)) / 1000)} ago`;
}

/** When it will be: `in 12 s`, or `now`. */
export function untilText(iso: string, nowEpochMillis: number): string {
  const seconds = Math.ceil((Date.parse(iso) - nowEpochMillis) / 1000);
  return seconds <= 0 ? "now" : `in ${lengthText(seconds)}`;
}
