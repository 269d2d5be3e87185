import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Match, Template } from "aws-cdk-lib/assertions";
import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, it } from "vitest";
import { RUNBOOK, runbookAnchor } from "../../infra/alarms.ts";
import { dev } from "../../infra/stages.ts";
import { gatewayMetrics } from "../../shared/runtime/metricNames.ts";
import { devWithGateway } from "./support/gatewayStage.ts";
import { grantsOf } from "./support/statements.ts";
import { type Resource, resourcesOf, synthesiseStack, templateOf } from "./support/synthesise.ts";

const stack = synthesiseStack(devWithGateway);
const template = Template.fromStack(stack);
const resources = Object.entries(resourcesOf(template));
const without = resourcesOf(templateOf(dev));

const ofType = (type: string): Resource[] =>
  resources.filter(([, { Type }]) => Type === type).map(([, resource]) => resource);

describe("a stage with a gateway", () => {
  it("adds the gateway, and changes of the rest only the dashboard and what deliver may decrypt", () => {
    const all = Object.fromEntries(resources);
    const changed = Object.entries(without).filter(([id, resource]) => {
      const { Code: _, ...now } = all[id]?.Properties ?? {};
      const { Code: __, ...before } = resource.Properties;
      return JSON.stringify(now) !== JSON.stringify(before);
    });
    expect(changed.map(([id]) => id.replace(/[0-9A-F]{8}$/, "")).sort()).toEqual([
      "DeliverFunctionRole",
      "MonitoringDashboard",
    ]);
    const added = resources.filter(([id]) => !(id in without)).map(([id]) => id);
    expect(added.filter((id) => !/^(Gateway|MonitoringAMI)/.test(id))).toEqual([]);
  });

  it("passes cdk-nag's AwsSolutions", () => {
    expect(new AwsSolutionsChecks().validateScope(stack).violations).toEqual([]);
  });
});

describe("the gateway's roles", () => {
  it("let its process read users, pages and heads, move positions, and open the secrets of AMI users alone", () => {
    const references = "ForAllValues:StringLike dynamodb:LeadingKeys reference#*";
    const kind = "Null kms:EncryptionContext:session false and StringEquals kms:EncryptionContext:kind ami";
    expect(grantsOf(template, "gateway").filter((grant) => !grant.startsWith("secretsmanager:"))).toEqual([
      "dynamodb:GetItem on StorageCursors",
      "dynamodb:GetItem on StorageQueue if ForAllValues:StringLike dynamodb:LeadingKeys head",
      "dynamodb:GetItem on StorageSessions",
      "dynamodb:Query on StorageQueue if ForAllValues:StringLike dynamodb:LeadingKeys page#*",
      "dynamodb:UpdateItem on StorageCursors",
      `dynamodb:UpdateItem on StorageQueue if ${references}`,
      `kms:Decrypt on SecretsWebhookSecretKey if ${kind}`,
    ]);
    const certificate = grantsOf(template, "gateway").filter((grant) => grant.startsWith("secretsmanager:"));
    expect(certificate).toEqual([
      expect.stringMatching(/^secretsmanager:GetSecretValue on .*secret:ami\.example\.com-\?{6}/),
    ]);
  });

  it("keep the secrets of AMI users from deliver, and those of webhooks from the gateway", () => {
    const kms = (name: string) => grantsOf(template, name).filter((grant) => grant.startsWith("kms:"));
    expect(kms("deliver")).toEqual([
      "kms:Decrypt on SecretsWebhookSecretKey if Null kms:EncryptionContext:session false and Null kms:EncryptionContext:kind true",
    ]);
    expect(kms("api")).toEqual([
      "kms:Encrypt on SecretsWebhookSecretKey if Null kms:EncryptionContext:session false",
    ]);
  });

  it("let the execution role do nothing but fetch the image and write the log", () => {
    const actions = ofType("AWS::IAM::Policy").flatMap(({ Properties }) =>
      (Properties.PolicyDocument as { Statement: { Action: string | string[] }[] }).Statement.flatMap(
        ({ Action }) => Action,
      ),
    );
    expect(actions.sort()).toEqual([
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:GetAuthorizationToken",
      "ecr:GetDownloadUrlForLayer",
      "logs:CreateLogStream",
      "logs:PutLogEvents",
    ]);
    expect(ofType("AWS::IAM::Policy")).toHaveLength(1);
  });
});

describe("the gateway's network", () => {
  it("lets the stage's ranges connect to the balancer's TLS ports, and only the balancer to the tasks", () => {
    const [balancer] = ofType("AWS::EC2::SecurityGroup").filter(
      ({ Properties }) => Properties.SecurityGroupIngress !== undefined,
    );
    const ingress = balancer?.Properties.SecurityGroupIngress as Record<string, unknown>[];
    expect(
      ingress.map(({ CidrIp, CidrIpv6, FromPort, ToPort }) => [CidrIp ?? CidrIpv6, FromPort, ToPort]),
    ).toEqual([
      ["203.0.113.0/24", 5039, 5039],
      ["2001:db8::/32", 5039, 5039],
      ["203.0.113.0/24", 8089, 8089],
      ["2001:db8::/32", 8089, 8089],
    ]);
    const toTasks = ofType("AWS::EC2::SecurityGroupIngress").map(({ Properties }) => Properties);
    expect(toTasks.map(({ FromPort, CidrIp }) => [FromPort, CidrIp])).toEqual([
      [5039, undefined],
      [8089, undefined],
    ]);
    for (const { SourceSecurityGroupId } of toTasks)
      expect(JSON.stringify(SourceSecurityGroupId)).toContain("GatewayBalancerGroup");
  });

  it("opens the port without TLS only where the stage asks for it", () => {
    const portsOf = (each: Template) =>
      Object.values(each.findResources("AWS::ElasticLoadBalancingV2::Listener")).map(
        ({ Properties }) => Properties.Port,
      );
    expect(portsOf(template)).toEqual([5039, 8089]);
    const { gateway } = devWithGateway;
    if (gateway === undefined) throw new Error("the stage has no gateway");
    const plain = templateOf({ ...devWithGateway, gateway: { ...gateway, plainPort: true } });
    expect(portsOf(plain).sort()).toEqual([5038, 5039, 8089]);
    const variables = JSON.stringify(Object.values(plain.findResources("AWS::ECS::TaskDefinition")));
    expect(variables).toContain('{"Name":"AMI_PORT","Value":"5038"}');
    expect(JSON.stringify(ofType("AWS::ECS::TaskDefinition"))).not.toContain('"AMI_PORT"');
  });

  it("has no NAT gateway and no endpoint that is paid by the hour", () => {
    expect(ofType("AWS::EC2::NatGateway")).toEqual([]);
    expect(ofType("AWS::EC2::VPCEndpoint").map(({ Properties }) => Properties.VpcEndpointType)).toEqual([
      "Gateway",
    ]);
  });

  it("passes TCP through for hours of silence, with the clients' addresses", () => {
    template.allResourcesProperties("AWS::ElasticLoadBalancingV2::Listener", {
      Protocol: "TCP",
      ListenerAttributes: [{ Key: "tcp.idle_timeout.seconds", Value: "6000" }],
    });
    template.allResourcesProperties("AWS::ElasticLoadBalancingV2::TargetGroup", {
      Protocol: "TCP",
      TargetGroupAttributes: Match.arrayWith([{ Key: "preserve_client_ip.enabled", Value: "true" }]),
    });
  });
});

describe("the gateway's tasks", () => {
  it("have time to close their connections, and are replaced one after the other", () => {
    template.hasResourceProperties("AWS::ECS::TaskDefinition", {
      ContainerDefinitions: [Match.objectLike({ StopTimeout: 60, ReadonlyRootFilesystem: true })],
      RuntimePlatform: { CpuArchitecture: "ARM64", OperatingSystemFamily: "LINUX" },
    });
    template.hasResourceProperties("AWS::ECS::Service", {
      DesiredCount: 2,
      DeploymentConfiguration: Match.objectLike({
        MinimumHealthyPercent: 100,
        MaximumPercent: 200,
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      }),
    });
  });

  it("are scaled between the stage's numbers by the connections of a task", () => {
    template.hasResourceProperties("AWS::ApplicationAutoScaling::ScalableTarget", {
      MinCapacity: 2,
      MaxCapacity: 6,
    });
    const scaling = ofType("AWS::CloudWatch::Alarm").filter(
      ({ Properties }) => Properties.AlarmName === undefined,
    );
    expect(scaling.map(({ Properties }) => [Properties.MetricName, Properties.Threshold]).sort()).toEqual([
      ["GatewayConnections", 1000],
      ["GatewayConnections", 250],
    ]);
  });
});

describe("the gateway's alarms", () => {
  const own = ofType("AWS::CloudWatch::Alarm")
    .map(({ Properties }) => String(Properties.AlarmName ?? ""))
    .filter((name) => name.includes("-ami-"));
  const headings = [
    ...readFileSync(join(import.meta.dirname, "../..", RUNBOOK), "utf8").matchAll(/^## (AMI .+)$/gm),
  ].map(([, title = ""]) => `stasis-relay-${runbookAnchor(title)}-dev`);

  it("have a section each in the runbook, and the runbook has no other of the gateway", () => {
    expect(own).toHaveLength(3);
    expect([...own].sort()).toEqual(headings.sort());
  });

  it("and graphs show each of its metrics", () => {
    const [dashboard] = ofType("AWS::CloudWatch::Dashboard");
    const body = JSON.stringify(dashboard?.Properties.DashboardBody);
    for (const name of Object.keys(gatewayMetrics)) expect(body).toContain(name);
  });
});

describe("the targets of the balancer", () => {
  const attributes = ofType("AWS::ElasticLoadBalancingV2::TargetGroup").map(
    ({ Properties: { Port, TargetGroupAttributes } }) => {
      const pairs = TargetGroupAttributes as { readonly Key: string; readonly Value: string }[];
      return { port: Port, ...Object.fromEntries(pairs.map(({ Key, Value }) => [Key, Value])) };
    },
  );

  it("keep their connections until they are asked to stop", () => {
    expect(attributes.length).toBeGreaterThan(1);
    for (const each of attributes)
      expect(each).toMatchObject({
        "deregistration_delay.timeout_seconds": "120",
        "deregistration_delay.connection_termination.enabled": "false",
      });
  });

  it("get all connections of one address over HTTP, as a session lives in one of them", () => {
    expect(attributes.find(({ port }) => port === 8089)).toMatchObject({
      "stickiness.enabled": "true",
      "stickiness.type": "source_ip",
    });
    expect(attributes.find(({ port }) => port === 5039)).not.toHaveProperty(["stickiness.enabled"]);
  });
});
