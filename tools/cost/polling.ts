import { MONTH_SECONDS } from "./load.ts";

/**
 * Lambda polls each queue with five pollers that wait 20 seconds for a message, whether any come or not
 * (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html). SQS bills every poll.
 */
const POLLERS = 5;
const POLL_SECONDS = 20;

/** The requests of a month in which nothing comes. */
export function pollingRequests(queues: number): number {
  return queues * POLLERS * (MONTH_SECONDS / POLL_SECONDS);
}
