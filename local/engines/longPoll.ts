import { type Clock, systemClock } from "../../shared/runtime/clock.ts";
import { queueOf, type SqsRoute } from "./sqsRoute.ts";

const RECEIVE = "AmazonSQS.ReceiveMessage";

/**
 * Long polling in place of that of fauxqs, which looks every 20 ms in each queue that is polled. That is most of what an idle
 * relay costs. This looks after each request that changes the queue, and when time makes a message visible.
 * @param nextVisibleAtEpochMillis when the next of a queue's delayed and hidden messages becomes visible
 * @param closing ends all waiting
 */
export function withLongPolling(
  route: SqsRoute,
  nextVisibleAtEpochMillis: (queue: string) => number,
  closing: AbortSignal,
  clock: Clock = systemClock,
): SqsRoute {
  /** By queue, what aborts when it changes, while somebody waits for that. */
  const changes = new Map<string, AbortController>();
  const changeOf = (queue: string) => {
    const change = changes.get(queue) ?? new AbortController();
    changes.set(queue, change);
    return change.signal;
  };
  const changed = (queue: string) => {
    const change = changes.get(queue);
    changes.delete(queue);
    change?.abort("changed");
  };

  return async (request, reply) => {
    const queue = queueOf(request.body);
    const waitSeconds = request.headers["x-amz-target"] === RECEIVE ? waitSecondsOf(request.body) : 0;
    if (waitSeconds === 0) {
      try {
        return await route(request, reply);
      } finally {
        changed(queue);
      }
    }
    const mostMillis = waitSeconds * 1000;
    // A timer of its own: it goes on when the machine's clock is set back.
    const over = new AbortController();
    void clock.sleep(mostMillis, over.signal, closing).then(() => over.abort("over"));
    const look = { headers: request.headers, body: { ...Object(request.body), WaitTimeSeconds: 0 } };
    let isRefused = false;
    const noting = {
      status: (code: number) => {
        isRefused = code >= 300;
        reply.status(code);
      },
      header: reply.header.bind(reply),
    };
    try {
      for (;;) {
        // Taken before the look: a message that comes during it is not missed.
        const change = changeOf(queue);
        const answer = await route(look, noting);
        if (isRefused || hasMessages(answer) || over.signal.aborted) return answer;
        const untilVisibleMillis = nextVisibleAtEpochMillis(queue) - clock.nowEpochMillis();
        await clock.sleep(Math.max(1, Math.min(mostMillis, untilVisibleMillis)), change, over.signal);
      }
    } finally {
      over.abort("over");
    }
  };
}

/** fauxqs refuses what is no number of seconds. */
function waitSecondsOf(body: unknown): number {
  const { WaitTimeSeconds } = Object(body) as { WaitTimeSeconds?: unknown };
  const isSeconds = typeof WaitTimeSeconds === "number" && WaitTimeSeconds > 0 && WaitTimeSeconds <= 20;
  return isSeconds ? WaitTimeSeconds : 0;
}

function hasMessages(answer: unknown): boolean {
  const { Messages } = Object(answer) as { Messages?: unknown };
  return Array.isArray(Messages) && Messages.length > 0;
}
