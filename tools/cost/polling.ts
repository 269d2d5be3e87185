import { MONTH_SECONDS } from "./load.ts";

/**
 * Lambda polls each queue with five pollers. Each waits up to 20 seconds for a message
 * (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html). SQS bills every poll, even an empty one.
 */
const POLLERS = 5;
const POLL_SECONDS = 20;

/** The requests of a month without messages. */
export function pollingRequests(queues: number): number {
  return queues * POLLERS * (MONTH_SECONDS / POLL_SECONDS);
}
