import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

const RECONNECT_MILLIS = 50;

/**
 * What a connection was sent so long before its end is not sent again. Stored positions are five seconds behind, written
 * every five, and looked at every second (gateway/store). The rest is for a machine that is busy.
 */
const SETTLED_AFTER_MILLIS = 11_000 + 4_000;

/** An AMI client that logs in again whenever its connection ends, and judges what it is sent by its numbers. */
export class ResumingClient {
  readonly #port: number;
  readonly #login: string;
  readonly problems: string[] = [];
  /** No connection may begin below this. */
  #settledNext = 1;
  /** What this connection was sent, by time. */
  #sent: { readonly number: number; readonly atMillis: number }[] = [];
  /** When each number came first, by number minus one. */
  readonly #cameAt: number[] = [];
  #endedAt = 0;
  connections = 0;
  /** Events that came again after a new login. */
  repeated = 0;
  /** The oldest of them had come so long before the end of the last connection. It grows while connections are short. */
  longestRepeatMillis = 0;

  constructor(port: number, username: string, secret: string) {
    this.#port = port;
    this.#login = `Action: Login\r\nUsername: ${username}\r\nSecret: ${secret}\r\n\r\n`;
  }

  /** The number after the last that came. */
  get next(): number {
    return this.#cameAt.length + 1;
  }

  async run(until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      await this.#connection(until);
      await pause(RECONNECT_MILLIS);
    }
  }

  async #connection(until: AbortSignal): Promise<void> {
    const socket = connect(this.#port, "127.0.0.1");
    const end = () => socket.destroy();
    until.addEventListener("abort", end, { once: true });
    socket.setEncoding("latin1").on("error", () => {});
    let text = "";
    let last: number | undefined;
    const nextBefore = this.next;
    socket.once("connect", () => socket.write(this.#login));
    socket.on("data", (chunk: string) => {
      text += chunk;
      const blocks = text.split("\r\n\r\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) last = this.#take(block, last, nextBefore);
    });
    await new Promise<void>((resolve) => socket.once("close", () => resolve()));
    if (last !== undefined) this.#settle();
    until.removeEventListener("abort", end);
  }

  #settle(): void {
    this.#endedAt = performance.now();
    const settledBefore = this.#endedAt - SETTLED_AFTER_MILLIS;
    const settled = this.#sent.findLast(({ atMillis }) => atMillis < settledBefore);
    this.#settledNext = Math.max(this.#settledNext, (settled?.number ?? 0) + 1);
    this.#sent = [];
  }

  #take(block: string, last: number | undefined, nextBefore: number): number | undefined {
    if (block.includes("Response: Success")) this.connections += 1;
    else if (/^Response: |^Event: RelayGap/m.test(block)) this.problems.push(`was sent ${block}`);
    const [, digits] = /^RelaySequence: (\d+)$/m.exec(block.replaceAll("\r", "")) ?? [];
    if (digits === undefined) return last;
    const number = Number(digits);
    const expected = last === undefined ? this.next : last + 1;
    if (number > expected) this.problems.push(`${expected} to ${number - 1} were left out`);
    if (last !== undefined && number < expected) this.problems.push(`${number} came after ${last}`);
    if (number < this.#settledNext) this.problems.push(`${number} was sent again long after it came`);
    this.#sent.push({ number, atMillis: performance.now() });
    if (number < nextBefore) {
      this.repeated += 1;
      this.longestRepeatMillis = Math.max(
        this.longestRepeatMillis,
        this.#endedAt - (this.#cameAt[number - 1] ?? 0),
      );
    } else if (number === this.next) this.#cameAt.push(performance.now());
    return number;
  }
}
