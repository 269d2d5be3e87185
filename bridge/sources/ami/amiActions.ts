import { SourceError } from "../sourceError.ts";
import { AmiFields, isResponse } from "./amiBlock.ts";

/** Some 50,000 channels. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** Asterisk reads lines of at most 1022 bytes (main/manager.c, `get_input`). */
const MAX_LINE_BYTES = 1022;

export interface AmiAnswer {
  readonly response: AmiFields;
  /** The events of a list action, without the last one. */
  readonly items: readonly AmiFields[];
}

interface Pending {
  readonly resolve: (answer: AmiAnswer) => void;
  readonly reject: (error: SourceError) => void;
  readonly items: AmiFields[];
  bytes: number;
  response: AmiFields | undefined;
}

/**
 * Sends actions and finds their answers among the events by ActionID. Each answer is a response, and for list actions
 * the events up to the one that says `EventList: Complete`.
 */
export class AmiActions {
  readonly #write: (text: string) => void;
  readonly #prefix: string;
  readonly #mark: Buffer;
  readonly #pending = new Map<string, Pending>();
  #sent = 0;

  /** @param prefix of the ActionIDs. Nobody else's may begin with it: events can carry the ids of others. */
  constructor(write: (text: string) => void, prefix: string) {
    this.#write = write;
    this.#prefix = prefix;
    this.#mark = Buffer.from(`\r\nActionID: ${prefix}`);
  }

  /**
   * @param fields header names and values
   * @throws SourceError when the link ends first, or a value cannot be sent
   */
  async send(
    action: string,
    fields: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<AmiAnswer> {
    this.#sent += 1;
    const id = `${this.#prefix}${this.#sent}`;
    const lines = Object.entries({ Action: action, ActionID: id, ...fields }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    if (lines.some((line) => /[\r\n\0]/.test(line) || Buffer.byteLength(line) > MAX_LINE_BYTES))
      throw new SourceError({
        code: "credentials",
        message: `a value of the action ${action} has a line break or more than ${MAX_LINE_BYTES} bytes`,
      });
    const { promise, resolve, reject } = Promise.withResolvers<AmiAnswer>();
    const giveUp = () => {
      this.#pending.delete(id);
      reject(
        new SourceError({ code: "timeout", message: `Manager did not answer the action ${action} in time` }),
      );
    };
    if (signal?.aborted) giveUp();
    else {
      signal?.addEventListener("abort", giveUp, { once: true });
      this.#pending.set(id, { resolve, reject, items: [], bytes: 0, response: undefined });
      this.#write(`${lines.join("\r\n")}\r\n\r\n`);
    }
    return promise.finally(() => signal?.removeEventListener("abort", giveUp));
  }

  /** Takes a block that is an answer, also one that came too late. Returns false for all others. */
  take(block: Buffer): boolean {
    const isOurs = block.includes(this.#mark);
    if (!isOurs) return isResponse(block);
    const fields = new AmiFields(block);
    const id = fields.get("ActionID");
    const pending = this.#pending.get(id);
    if (pending === undefined) return id.startsWith(this.#prefix);
    pending.bytes += block.length;
    if (pending.bytes > MAX_ANSWER_BYTES) {
      this.#pending.delete(id);
      pending.reject(new SourceError({ code: "too-large", message: "Manager's answer is too long" }));
    } else if (isResponse(block)) {
      pending.response = fields;
      if (fields.get("EventList").toLowerCase() !== "start") this.#finish(id, pending);
    } else if (/^(?:complete|cancel)/i.test(fields.get("EventList"))) this.#finish(id, pending);
    else pending.items.push(fields);
    return true;
  }

  /** Rejects what is not answered yet. */
  fail(error: SourceError): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const each of pending) each.reject(error);
  }

  #finish(id: string, { resolve, response, items }: Pending): void {
    this.#pending.delete(id);
    resolve({ response: response ?? new AmiFields(Buffer.alloc(0)), items });
  }
}

/** Whether Manager did what it was asked. */
export function isSuccess({ response }: AmiAnswer): boolean {
  return response.get("Response") === "Success";
}
