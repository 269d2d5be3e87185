import { join } from "node:path";
import { Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { Platform } from "aws-cdk-lib/aws-ecr-assets";
import {
  ContainerImage,
  CpuArchitecture,
  FargateTaskDefinition,
  LogDrivers,
  OperatingSystemFamily,
} from "aws-cdk-lib/aws-ecs";
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";
import { gatewayPorts, gatewayVariables } from "../shared/aws/resources.ts";
import { metricVariables } from "../shared/runtime/metricNames.ts";
import { nameIn } from "./nameIn.ts";
import { permissionsOf } from "./permissions.ts";
import { metricsNamespace } from "./relayMetric.ts";
import type { RelayResources } from "./relayResources.ts";
import { resourceVariables } from "./resourceVariables.ts";
import type { GatewayStage } from "./stages.ts";

const ROOT = join(import.meta.dirname, "..");

/** What a task has to close its connections on a message border. Fargate allows two minutes at most. */
const STOP_TIMEOUT = Duration.seconds(60);

/** Half a core and a gigabyte, for about a thousand connections. */
const SIZE = { cpu: 512, memoryLimitMiB: 1024 } as const;

/** One task of the AMI gateway: its image (gateway/Dockerfile), environment, roles and log. */
export function gatewayTask(
  scope: Construct,
  resources: RelayResources,
  gateway: GatewayStage,
  ports: readonly number[],
): FargateTaskDefinition {
  const { stage } = resources;
  const certificate = Secret.fromSecretNameV2(scope, "Certificate", gateway.certificateSecretName);
  const task = new FargateTaskDefinition(scope, "Task", {
    ...SIZE,
    family: nameIn(stage, "stasis-relay-gateway"),
    runtimePlatform: {
      cpuArchitecture: CpuArchitecture.ARM64,
      operatingSystemFamily: OperatingSystemFamily.LINUX,
    },
    // The role is complete here; nothing that CDK does later can widen it.
    taskRole: new Role(scope, "Role", {
      assumedBy: new ServicePrincipal("ecs-tasks.amazonaws.com"),
      inlinePolicies: {
        gateway: new PolicyDocument({
          statements: [
            ...permissionsOf("gateway", resources),
            new PolicyStatement({
              actions: ["secretsmanager:GetSecretValue"],
              // Secrets Manager adds six characters to the name.
              resources: [`${certificate.secretArn}-??????`],
            }),
          ],
        }),
      },
    }).withoutPolicyUpdates(),
  });
  Validations.of(task).acknowledge({
    id: "AwsSolutions-IAM5[Resource::*]",
    reason: "The execution role logs in to the registry, an action that knows no resources.",
  });
  Validations.of(task).acknowledge({
    id: "AwsSolutions-ECS2",
    reason: "The environment holds names and settings. Secrets are read by the process itself.",
  });
  task.addContainer("gateway", {
    image: ContainerImage.fromAsset(ROOT, { file: "gateway/Dockerfile", platform: Platform.LINUX_ARM64 }),
    environment: {
      [metricVariables.namespace]: metricsNamespace(stage),
      ...stage.settings,
      ...resourceVariables("gateway", resources),
      AWS_REGION: Stack.of(scope).region,
      [gatewayVariables.certificate]: gateway.certificateSecretName,
      [gatewayVariables.tlsPort]: String(gatewayPorts.tls),
      [gatewayVariables.httpsPort]: String(gatewayPorts.https),
      ...(gateway.plainPort ? { [gatewayVariables.plainPort]: String(gatewayPorts.plain) } : {}),
    },
    portMappings: ports.map((containerPort) => ({ containerPort })),
    readonlyRootFilesystem: true,
    stopTimeout: STOP_TIMEOUT,
    logging: LogDrivers.awsLogs({
      streamPrefix: "gateway",
      logGroup: new LogGroup(scope, "Logs", {
        logGroupName: `/aws/ecs/${nameIn(stage, "stasis-relay-gateway")}`,
        retention: stage.logRetentionDays,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
    }),
  });
  return task;
}
