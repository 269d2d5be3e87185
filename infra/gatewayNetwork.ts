import { Validations } from "aws-cdk-lib";
import {
  GatewayVpcEndpointAwsService,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import type { Construct } from "constructs";
import type { GatewayStage } from "./stages.ts";

/** Public subnets without NAT; infra/gateway.ts says why. */
export function gatewayVpc(scope: Construct): IVpc {
  const vpc = new Vpc(scope, "Network", {
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

/** The security groups: clients reach the balancer from the stage's ranges, and only the balancer reaches the tasks. */
export function gatewayGroups(
  scope: Construct,
  vpc: IVpc,
  { allowedAddressRanges }: GatewayStage,
  ports: readonly number[],
): { readonly inside: SecurityGroup; readonly outside: SecurityGroup } {
  const inside = new SecurityGroup(scope, "TaskGroup", { vpc, description: "Tasks of the AMI gateway" });
  const outside = new SecurityGroup(scope, "BalancerGroup", {
    vpc,
    description: "Load balancer of the AMI gateway",
    allowAllOutbound: false,
  });
  for (const port of ports) {
    for (const range of allowedAddressRanges)
      outside.addIngressRule(range.includes(":") ? Peer.ipv6(range) : Peer.ipv4(range), Port.tcp(port));
    outside.addEgressRule(inside, Port.tcp(port));
    inside.addIngressRule(outside, Port.tcp(port));
  }
  Validations.of(outside).acknowledge({
    id: "AwsSolutions-EC23",
    reason: "The stage says who may connect; AMI clients log in with a secret over TLS.",
  });
  return { inside, outside };
}
