import { CfnOutput, Duration, Validations } from "aws-cdk-lib";
import { AdjustmentType } from "aws-cdk-lib/aws-applicationautoscaling";
import { type IVpc, type SecurityGroup, SubnetType } from "aws-cdk-lib/aws-ec2";
import { Cluster, FargateService, type ICluster } from "aws-cdk-lib/aws-ecs";
import {
  NetworkLoadBalancer,
  type NetworkTargetGroup,
  Protocol,
} from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { Construct } from "constructs";
import { gatewayPorts } from "../shared/aws/resources.ts";
import { gatewayMetric } from "./gatewayMetric.ts";
import { gatewayGroups, gatewayVpc } from "./gatewayNetwork.ts";
import { gatewayTask } from "./gatewayTask.ts";
import { nameIn } from "./nameIn.ts";
import type { RelayResources } from "./relayResources.ts";
import type { GatewayStage, RelayStage } from "./stages.ts";

/** AMI clients may say nothing for hours. The longest that a TCP listener allows. */
const IDLE_TIMEOUT = Duration.seconds(6000);

/**
 * The balancer may give a target new connections for this long after its deregistration. ECS waits for it before it asks
 * the task to stop.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-connection-draining.html
 */
const DEREGISTRATION_DELAY = Duration.minutes(2);

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
    const vpc = gatewayVpc(this);
    const ports = [gatewayPorts.tls, gatewayPorts.https, ...(gateway.plainPort ? [gatewayPorts.plain] : [])];
    const { inside, outside } = gatewayGroups(this, vpc, gateway, ports);
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

  #service(
    resources: RelayResources,
    gateway: GatewayStage,
    ports: readonly number[],
    vpc: IVpc,
    group: SecurityGroup,
  ): FargateService {
    const { stage } = resources;
    const cluster = new Cluster(this, "Cluster", { vpc, clusterName: nameIn(stage, "stasis-relay") });
    Validations.of(cluster).acknowledge({
      id: "AwsSolutions-ECS4",
      reason:
        "The service's CPU and memory are free metrics, and connections are a metric of the gateway's own.",
    });
    return new FargateService(this, "Service", {
      cluster: cluster as ICluster,
      serviceName: nameIn(stage, "stasis-relay-gateway"),
      taskDefinition: gatewayTask(this, resources, gateway, ports),
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
      deregistrationDelay: DEREGISTRATION_DELAY,
      healthCheck: { protocol: Protocol.TCP, interval: Duration.seconds(10), healthyThresholdCount: 2 },
      targets: [this.service.loadBalancerTarget({ containerName: "gateway", containerPort: port })],
    });
    // ECS asks a task to stop when the delay is over. Its connections must be open then, for the task to end them in turn.
    targets.setAttribute("deregistration_delay.connection_termination.enabled", "false");
    if (port === gatewayPorts.https) {
      // A session over HTTP lives in one task, and each of its requests may come on a new connection.
      targets.setAttribute("stickiness.enabled", "true");
      targets.setAttribute("stickiness.type", "source_ip");
    }
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
