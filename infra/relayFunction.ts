import { join } from "node:path";
import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  ApplicationLogLevel,
  Architecture,
  EventSourceMapping,
  type Function as LambdaFunction,
  LoggingFormat,
  type RecursiveLoop,
  Runtime,
  SystemLogLevel,
  Tracing,
} from "aws-cdk-lib/aws-lambda";
import { NodejsFunction } from "aws-cdk-lib/aws-lambda-nodejs";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { type QueueName, queueLimits } from "../shared/aws/limits.ts";
import type { FunctionName } from "../shared/aws/resources.ts";
import { metricVariables } from "../shared/runtime/metricNames.ts";
import { bundling } from "./bundling.ts";
import { nameIn } from "./nameIn.ts";
import { metricsNamespace } from "./relayMetric.ts";
import type { RelayQueue } from "./relayQueue.ts";
import type { RelayStage } from "./stages.ts";

const ROOT = join(import.meta.dirname, "..");

export interface RelayFunctionProps {
  readonly name: FunctionName;
  readonly stage: RelayStage;
  readonly memoryMebibytes: number;
  readonly timeoutSeconds: number;
  /** The resources that the function is told of; the stage's settings are added. */
  readonly environment: Readonly<Record<string, string>>;
  /** All that its role may do, apart from its own log and traces. */
  readonly permissions: readonly PolicyStatement[];
  readonly recursiveLoop?: RecursiveLoop;
}

/** The house function: Node 24 on arm64, one ESM file, JSON logs that are kept for a while, X-Ray, a role of its own. */
export class RelayFunction extends Construct {
  readonly function: LambdaFunction;
  readonly logGroup: LogGroup;
  readonly #stage: RelayStage;

  constructor(scope: Construct, id: string, props: RelayFunctionProps) {
    super(scope, id);
    const { name, stage } = props;
    this.#stage = stage;
    const functionName = nameIn(stage, `stasis-relay-${name}`);
    this.logGroup = new LogGroup(this, "Logs", {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: stage.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.function = new NodejsFunction(this, "Handler", {
      functionName,
      entry: join(ROOT, "functions", name, "handler.ts"),
      handler: "handler",
      projectRoot: ROOT,
      depsLockFilePath: join(ROOT, "package-lock.json"),
      bundling,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memoryMebibytes,
      timeout: Duration.seconds(props.timeoutSeconds),
      environment: {
        NODE_OPTIONS: "--enable-source-maps",
        [metricVariables.namespace]: metricsNamespace(stage),
        ...stage.settings,
        ...props.environment,
      },
      // The role is whole as it is written here; nothing that CDK does later can widen it.
      role: this.#role(props.permissions).withoutPolicyUpdates(),
      tracing: Tracing.ACTIVE,
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      // Start, end and report lines of every invocation would cost more than the invocation.
      systemLogLevelV2: SystemLogLevel.WARN,
      ...(props.recursiveLoop === undefined ? {} : { recursiveLoop: props.recursiveLoop }),
    });
  }

  /** Lambda polls the queue, invokes with a batch, and deletes what the function did not report as failed. */
  workOn(name: QueueName, { queue }: RelayQueue): void {
    new EventSourceMapping(this, `From${name[0]?.toUpperCase()}${name.slice(1)}`, {
      target: this.function,
      eventSourceArn: queue.queueArn,
      batchSize: queueLimits[name].batchSize,
      maxConcurrency: this.#stage.maximumConcurrency[name],
      reportBatchItemFailures: true,
    });
  }

  #role(permissions: readonly PolicyStatement[]): Role {
    const ownLog = new PolicyStatement({
      actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
      resources: [this.logGroup.logGroupArn],
    });
    const traces = new PolicyStatement({
      actions: ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
      resources: ["*"],
    });
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      inlinePolicies: { function: new PolicyDocument({ statements: [ownLog, traces, ...permissions] }) },
    });
    Validations.of(role).acknowledge({
      id: "AwsSolutions-IAM5[Resource::*]",
      reason: "X-Ray's two write actions know no resources.",
    });
    return role;
  }
}
