import { Logger } from "@aws-lambda-powertools/logger";
import type { Log } from "./log.ts";

/** The log of a function on AWS: JSON lines that CloudWatch can search, with the details of errors. */
export function createLambdaLog(functionName: string): Log {
  const logger = new Logger({ serviceName: `stasis-relay-${functionName}` });
  return {
    info: (message, facts = {}) => logger.info(message, facts),
    warn: (message, facts = {}) => logger.warn(message, facts),
    error: (message, facts = {}) => logger.error(message, facts),
  };
}
