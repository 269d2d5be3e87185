import type { Log } from "../shared/runtime/log.ts";
import type { LinkLoss, PbxIdentity, Source } from "./source.ts";

/** What one link looks like, with a log line for each change and none for each attempt. */
export class LinkState {
  readonly source: Source;
  readonly #log: Log;
  state: "up" | "down" | "taken-over" = "down";
  /** Why it is not up; undefined before the first attempt has ended. */
  trouble: string | undefined;
  /** Who is connected; undefined while nobody is. */
  pbx: PbxIdentity | undefined;
  /** Events have come over a connection that is not up, and the gap before them is reported. */
  isEarly = false;

  constructor(source: Source, log: Log) {
    this.source = source;
    this.#log = log;
  }

  up(pbx: PbxIdentity): void {
    this.state = "up";
    this.trouble = undefined;
    this.isEarly = false;
    this.pbx = pbx;
    const { version, systemName, startedAtEpochMillis } = pbx;
    const started = new Date(startedAtEpochMillis).toISOString();
    this.#log.info("connected to the PBX", { version, ...(systemName && { systemName }), started });
  }

  down({ code, message }: LinkLoss): void {
    this.state = "down";
    this.trouble = message;
    this.isEarly = false;
    this.pbx = undefined;
    if (code === "stopped") this.#log.info("left the PBX");
    else this.#log.warn("the link to the PBX is lost", { code, error: message });
  }

  failed({ code, message }: LinkLoss): void {
    const isNew = message !== this.trouble;
    this.isEarly = false;
    this.trouble = message;
    if (isNew)
      this.#log.warn("the PBX cannot be reached; the bridge goes on trying", { code, error: message });
  }

  takenOver(): void {
    this.state = "taken-over";
    this.pbx = undefined;
    this.trouble = "another client has taken the ARI application; the bridge does not fight for it";
    this.#log.error(`${this.trouble}. Give each client an application of its own, then restart the bridge.`);
  }
}
