import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import type { FunctionName } from "../shared/aws/resources.ts";
import type { Gateway } from "./gateway.ts";
import type { HttpInterface } from "./httpInterface.ts";
import type { Queues } from "./queues.ts";
import type { RelayStage } from "./stages.ts";

/** The resources that are monitored. */
export interface MonitoringProps {
  readonly stage: RelayStage;
  readonly queues: Queues;
  readonly functions: Readonly<Record<FunctionName, LambdaFunction>>;
  readonly http: HttpInterface;
  /** Undefined where the stage has none. */
  readonly gateway: Gateway | undefined;
}
