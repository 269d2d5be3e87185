const whole = new Intl.NumberFormat("en");

export function count(value: number): string {
  return whole.format(value);
}

/** "1 message", "2 messages" */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Messages per second. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return "0/s";
  if (perSecond < 10) return `${perSecond.toFixed(1)}/s`;
  return `${count(Math.round(perSecond))}/s`;
}

export function seconds(value: number): string {
  if (value < 1) return value <= 0 ? "0 s" : `${Math.max(1, Math.round(value * 1000))} ms`;
  if (value < 10) return `${Number(value.toFixed(1))} s`;
  if (value < 90) return `${Math.round(value)} s`;
  if (value < 5_400) return `${Math.round(value / 60)} min`;
  if (value < 172_800) return `${Math.round(value / 3_600)} h`;
  return `${Math.round(value / 86_400)} days`;
}

/** "12 s ago", "in 3 min" */
export function relative(time: string, nowEpochMillis: number): string {
  const away = (nowEpochMillis - Date.parse(time)) / 1000;
  if (Math.abs(away) < 1) return "now";
  const text = seconds(Math.round(Math.abs(away)));
  return away > 0 ? `${text} ago` : `in ${text}`;
}

const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export function clockTime(epochMillis: number): string {
  return clock.format(epochMillis);
}

/** The time of day, with the date when it is not today. */
export function timeOfDay(time: string, nowEpochMillis: number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const isToday = day.format(date) === day.format(nowEpochMillis);
  return isToday ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`;
}

export function fullTime(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? time : full.format(date);
}
