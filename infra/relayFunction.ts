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
import { queueLimits } from "../shared/aws/limits.ts";
import { type FunctionName, functions, type QueueName } from "../shared/aws/resources.ts";
import { metricVariables } from "../shared/runtime/metricNames.ts";
import { bundling } from "./bundling.ts";
import { capitalised, nameIn } from "./nameIn.ts";
import { permissionsOf } from "./permissions.ts";
import { metricsNamespace } from "./relayMetric.ts";
import type { RelayQueue } from "./relayQueue.ts";
import type { RelayResources } from "./relayResources.ts";
import { resourceVariables } from "./resourceVariables.ts";
import type { RelayStage } from "./stages.ts";

const ROOT = join(import.meta.dirname, "..");

export interface RelayFunctionProps extends RelayResources {
  readonly name: FunctionName;
  readonly memoryMebibytes: number;
  readonly timeoutSeconds: number;
  readonly recursiveLoop?: RecursiveLoop;
  /** Commands that add files to the function's folder. */
  afterBundling?(directory: string): string[];
}

/**
 * The standard function: Node 24 on arm64, one ESM file, JSON logs with a retention and its own role. Its
 * resources, rights and event sources are listed under its name in shared/aws/resources.ts.
 */
export class RelayFunction extends Construct {
  readonly function: LambdaFunction;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: RelayFunctionProps) {
    super(scope, id);
    const { name, stage, queues } = props;
    const isTraced = stage.tracedFunctions.includes(name);
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
      bundling: { ...bundling, ...hooksOf(props) },
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memoryMebibytes,
      timeout: Duration.seconds(props.timeoutSeconds),
      environment: {
        NODE_OPTIONS: "--enable-source-maps",
        [metricVariables.namespace]: metricsNamespace(stage),
        ...stage.settings,
        ...resourceVariables(name, props),
      },
      // The role is complete here; nothing that CDK does later can widen it.
      role: this.#role(permissionsOf(name, props), isTraced).withoutPolicyUpdates(),
      // PASS_THROUGH records nothing, and passes on the trace that a caller has begun.
      tracing: isTraced ? Tracing.ACTIVE : Tracing.PASS_THROUGH,
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      // Lambda's start, end and report lines would cost more than the invocation.
      systemLogLevelV2: SystemLogLevel.WARN,
      ...(props.recursiveLoop === undefined ? {} : { recursiveLoop: props.recursiveLoop }),
      ...reservedConcurrencyOf(name, stage),
    });
    for (const queue of functions[name].startedBy) this.#startBy(queue, queues[queue], stage);
  }

  /** Lambda polls the queue, invokes the function with a batch, and deletes the messages not reported as failed. */
  #startBy(name: QueueName, { queue }: RelayQueue, stage: RelayStage): void {
    new EventSourceMapping(this, `From${capitalised(name)}`, {
      target: this.function,
      eventSourceArn: queue.queueArn,
      batchSize: queueLimits[name].batchSize,
      maxConcurrency: stage.maximumConcurrency[name],
      reportBatchItemFailures: true,
    });
  }

  #role(permissions: readonly PolicyStatement[], isTraced: boolean): Role {
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
      inlinePolicies: {
        function: new PolicyDocument({
          statements: [ownLog, ...(isTraced ? [traces] : []), ...permissions],
        }),
      },
    });
    if (isTraced)
      Validations.of(role).acknowledge({
        id: "AwsSolutions-IAM5[Resource::*]",
        reason: "X-Ray's two write actions know no resources.",
      });
    return role;
  }
}

function hooksOf({ afterBundling }: RelayFunctionProps) {
  if (afterBundling === undefined) return {};
  return {
    commandHooks: {
      beforeBundling: () => [],
      beforeInstall: () => [],
      afterBundling: (_source: string, directory: string) => afterBundling(directory),
    },
  };
}

function reservedConcurrencyOf(name: FunctionName, { reservedConcurrency }: RelayStage) {
  if (reservedConcurrency === undefined || (name !== "ingest" && name !== "api")) return {};
  return { reservedConcurrentExecutions: reservedConcurrency[name] };
}
