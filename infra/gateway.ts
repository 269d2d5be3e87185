import { join } from "node:path";
import { CfnOutput, Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { AdjustmentType } from "aws-cdk-lib/aws-applicationautoscaling";
import {
  GatewayVpcEndpointAwsService,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { Platform } from "aws-cdk-lib/aws-ecr-assets";
import {
  Cluster,
  ContainerImage,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
  LogDrivers,
  OperatingSystemFamily,
} from "aws-cdk-lib/aws-ecs";
import {
  NetworkLoadBalancer,
  type NetworkTargetGroup,
  Protocol,
} from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import { gatewayPorts, gatewayVariables } from "../shared/aws/resources.ts";
import { metricVariables } from "../shared/runtime/metricNames.ts";
import { gatewayMetric } from "./gatewayMetric.ts";
import { nameIn } from "./nameIn.ts";
import { permissionsOf } from "./permissions.ts";
import { metricsNamespace } from "./relayMetric.ts";
import type { RelayResources } from "./relayResources.ts";
import { resourceVariables } from "./resourceVariables.ts";
import type { GatewayStage, RelayStage } from "./stages.ts";

const ROOT = join(import.meta.dirname, "..");

/** AMI clients may say nothing for hours. The longest that a TCP listener allows. */
const IDLE_TIMEOUT = Duration.seconds(6000);

/** What a task has to close its connections on a message border. Fargate allows two minutes at most. */
const STOP_TIMEOUT = Duration.seconds(60);

/** Half a core serves about a thousand connections; see docs/operating.md. */
const TASK = { cpu: 512, memoryLimitMiB: 1024 } as const;

/**
 * The AMI gateway: Fargate tasks behind a network load balancer. TLS ends in the tasks, because the balancer's TLS
 * listeners close connections after 350 s without traffic, and its TCP listeners only after the time that they are told.
 *
 * The tasks are in public subnets, and nothing reaches them but the balancer. A NAT gateway costs $33 a month in each
 * zone, and the interface endpoints for images, logs, KMS and secrets $73; a public address costs $3.60 a task.
 * DynamoDB's endpoint costs nothing.
 */
export class Gateway extends Construct {
  readonly service: FargateService;
  readonly targets: NetworkTargetGroup;
  readonly loadBalancer: NetworkLoadBalancer;

  constructor(scope: Construct, id: string, resources: RelayResources, gateway: GatewayStage) {
    super(scope, id);
    const { stage } = resources;
    const vpc = this.#network();
    const inside = new SecurityGroup(this, "TaskGroup", { vpc, description: "Tasks of the AMI gateway" });
    const outside = new SecurityGroup(this, "BalancerGroup", {
      vpc,
      description: "Load balancer of the AMI gateway",
      allowAllOutbound: false,
    });
    const ports = [gatewayPorts.tls, gatewayPorts.https, ...(gateway.plainPort ? [gatewayPorts.plain] : [])];
    for (const port of ports) {
      for (const range of gateway.allowedAddressRanges)
        outside.addIngressRule(range.includes(":") ? Peer.ipv6(range) : Peer.ipv4(range), Port.tcp(port));
      outside.addEgressRule(inside, Port.tcp(port));
      inside.addIngressRule(outside, Port.tcp(port));
    }
    Validations.of(outside).acknowledge({
      id: "AwsSolutions-EC23",
      reason: "The stage says who may connect; AMI clients log in with a secret over TLS.",
    });
    this.service = this.#service(resources, gateway, ports, vpc, inside);
    this.loadBalancer = new NetworkLoadBalancer(this, "Balancer", {
      loadBalancerName: nameIn(stage, "stasis-relay-ami"),
      vpc,
      internetFacing: true,
      crossZoneEnabled: true,
      securityGroups: [outside],
      vpcSubnets: { subnetType: SubnetType.PUBLIC },
    });
    Validations.of(this.loadBalancer).acknowledge({
      id: "AwsSolutions-ELB2",
      reason:
        "Network load balancers log TLS listeners only, and TLS ends in the tasks; their log has each login.",
    });
    const [targets] = ports.map((port) => this.#listen(port));
    if (targets === undefined) throw new Error("the gateway listens to no port");
    this.targets = targets;
    this.#scale(stage, gateway);
    new CfnOutput(this, "AmiHost", {
      value: this.loadBalancer.loadBalancerDnsName,
      description: `Where AMI clients connect over TLS: port ${gatewayPorts.tls}. Give the certificate's name an alias to it`,
    });
  }

  #network(): IVpc {
    const vpc = new Vpc(this, "Network", {
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: "public", subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: false }],
      // Nothing uses the default group, and closing it takes a function of CDK's own.
      restrictDefaultSecurityGroup: false,
      gatewayEndpoints: { DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB } },
    });
    Validations.of(vpc).acknowledge({
      id: "AwsSolutions-VPC7",
      reason:
        "The gateway's log has each login with its address; flow logs would be paid for every connection.",
    });
    // CDK's classes say `undefined` where its interfaces say that a property is absent.
    return vpc as IVpc;
  }

  #service(
    resources: RelayResources,
    gateway: GatewayStage,
    ports: readonly number[],
    vpc: IVpc,
    group: SecurityGroup,
  ): FargateService {
    const { stage } = resources;
    const certificate = Secret.fromSecretNameV2(this, "Certificate", gateway.certificateSecretName);
    const task = new FargateTaskDefinition(this, "Task", {
      ...TASK,
      family: nameIn(stage, "stasis-relay-gateway"),
      runtimePlatform: {
        cpuArchitecture: CpuArchitecture.ARM64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
      // The role is complete here; nothing that CDK does later can widen it.
      taskRole: new Role(this, "Role", {
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
        AWS_REGION: Stack.of(this).region,
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
        logGroup: new LogGroup(this, "Logs", {
          logGroupName: `/aws/ecs/${nameIn(stage, "stasis-relay-gateway")}`,
          retention: stage.logRetentionDays,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
      }),
    });
    const cluster = new Cluster(this, "Cluster", { vpc, clusterName: nameIn(stage, "stasis-relay") });
    Validations.of(cluster).acknowledge({
      id: "AwsSolutions-ECS4",
      reason:
        "The service's CPU and memory are free metrics, and connections are a metric of the gateway's own.",
    });
    return new FargateService(this, "Service", {
      cluster: cluster as ICluster,
      serviceName: nameIn(stage, "stasis-relay-gateway"),
      taskDefinition: task,
      desiredCount: gateway.tasks.least,
      assignPublicIp: true,
      vpcSubnets: { subnetType: SubnetType.PUBLIC },
      securityGroups: [group],
      // New tasks are up before old ones are asked to stop; an old task closes its connections on a message border.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { rollback: true },
      healthCheckGracePeriod: Duration.seconds(60),
    });
  }

  #listen(port: number): NetworkTargetGroup {
    const listener = this.loadBalancer.addListener(`Listener${port}`, {
      port,
      protocol: Protocol.TCP,
      tcpIdleTimeout: IDLE_TIMEOUT,
    });
    const targets = listener.addTargets(`Targets${port}`, {
      port,
      protocol: Protocol.TCP,
      // The gateway limits logins by address.
      preserveClientIp: true,
      deregistrationDelay: STOP_TIMEOUT,
      healthCheck: { protocol: Protocol.TCP, interval: Duration.seconds(10), healthyThresholdCount: 2 },
      targets: [this.service.loadBalancerTarget({ containerName: "gateway", containerPort: port })],
    });
    // A target whose task is gone does not keep its connections open.
    targets.setAttribute("deregistration_delay.connection_termination.enabled", "true");
    return targets;
  }

  /**
   * By the connections of a task. Tasks are added as fast as they start, and taken away slowly, one at a time: its
   * clients have to log in again.
   */
  #scale(stage: RelayStage, { tasks, connectionsPerTask }: GatewayStage): void {
    const scaling = this.service.autoScaleTaskCount({ minCapacity: tasks.least, maxCapacity: tasks.most });
    const metric = gatewayMetric(stage, "GatewayConnections", "Average");
    scaling.scaleOnMetric("Connections", {
      metric: metric.with({ period: Duration.minutes(1) }),
      adjustmentType: AdjustmentType.CHANGE_IN_CAPACITY,
      cooldown: Duration.minutes(2),
      evaluationPeriods: 3,
      scalingSteps: [
        { upper: connectionsPerTask / 4, change: -1 },
        { lower: connectionsPerTask, change: 1 },
        { lower: 2 * connectionsPerTask, change: 2 },
      ],
    });
  }
}
