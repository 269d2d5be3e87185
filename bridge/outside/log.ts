import { inspect } from "node:util";
import type { Log } from "../../shared/runtime/log.ts";

export interface LogOptions {
  /** `json` for journald and log collectors, `lines` for people at a terminal. */
  readonly form: "json" | "lines";
  readonly nowEpochMillis: () => number;
  write(line: string): void;
}

/** The bridge's log: one line per change, never one per attempt. Facts hold no secrets and no events. */
export function bridgeLog({ form, nowEpochMillis, write }: LogOptions): Log {
  const at =
    (level: "info" | "warn" | "error") =>
    (message: string, facts: Record<string, unknown> = {}) => {
      const time = new Date(nowEpochMillis()).toISOString();
      write(
        form === "json"
          ? JSON.stringify({ time, level, message, ...Object.fromEntries(Object.entries(facts).map(plain)) })
          : [time.slice(11, 19), level.padEnd(5), message, ...Object.entries(facts).map(asWords)].join(" "),
      );
    };
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

/** JSON knows nothing of errors, and would show none of what they say. */
function plain([name, value]: [string, unknown]): [string, unknown] {
  return [name, value instanceof Error ? `${value.name}: ${value.message}` : value];
}

function asWords([name, value]: [string, unknown]): string {
  const [, shown] = plain([name, value]);
  return `${name}=${typeof shown === "string" ? shown : inspect(shown, { breakLength: Number.POSITIVE_INFINITY })}`;
}
