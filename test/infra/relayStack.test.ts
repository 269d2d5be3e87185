import { Match, type Template } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { dev, prod } from "../../infra/stages.ts";
import { queueLimits } from "../../shared/aws/limits.ts";
import { type Resource, resourcesOf, templateOf } from "./support/synthesise.ts";

const templates = { dev: templateOf(dev), prod: templateOf(prod) };

/** Resources that hold data or are known outside. CloudFormation makes a new one when its logical id changes. */
const STATEFUL = [
  "AWS::DynamoDB::Table",
  "AWS::SQS::Queue",
  "AWS::SecretsManager::Secret",
  "AWS::KMS::Key",
  "AWS::ApiGatewayV2::Api",
];

/** Never change one of these: the old resource would be removed, or left behind with all its data. */
const COMMITTED_IDS = [
  "AWS::ApiGatewayV2::Api HttpHttpApi9D54B0CC",
  "AWS::DynamoDB::Table StorageAttempts7355C338",
  "AWS::DynamoDB::Table StorageCursorsDBEE6903",
  "AWS::DynamoDB::Table StorageKeys12664C02",
  "AWS::DynamoDB::Table StorageQueueF784EBBA",
  "AWS::DynamoDB::Table StorageSessionsFCE686BD",
  "AWS::KMS::Key MonitoringTopicsKey94A85B0A",
  "AWS::KMS::Key SecretsWebhookSecretKey2BA23C8C",
  "AWS::SQS::Queue QueuesIngestDeadLetters1A637C5B",
  "AWS::SQS::Queue QueuesIngestQueue0C0F4024",
  "AWS::SQS::Queue QueuesNotifyDeadLettersDD7E01B3",
  "AWS::SQS::Queue QueuesNotifyQueue981CED99",
  "AWS::SQS::Queue QueuesSlowDeadLettersD236E357",
  "AWS::SQS::Queue QueuesSlowQueue6954104B",
  "AWS::SQS::Queue QueuesWakeDeadLettersBE792C6E",
  "AWS::SQS::Queue QueuesWakeQueue7D20C93C",
  "AWS::SecretsManager::Secret SecretsManagementKey5FBFA6D5",
];

/** A change of one of these properties makes CloudFormation replace the table. */
const REPLACING = ["TableName", "KeySchema", "AttributeDefinitions"];

/** The template without the asset's hash, which changes with every line of code. */
function withoutAssetHashes(resource: Resource): unknown {
  if (resource.Type !== "AWS::Lambda::Function") return resource;
  return { ...resource, Properties: { ...resource.Properties, Code: "the function's bundle" } };
}

describe.each(["dev", "prod"] as const)("the stack of %s", (name) => {
  const template = templates[name];
  const resources = Object.entries(resourcesOf(template));

  it("keeps the logical ids of all stateful resources", () => {
    const ids = resources
      .filter(([, { Type }]) => STATEFUL.includes(Type))
      .map(([id, { Type }]) => `${Type} ${id}`);
    expect(ids.sort()).toEqual(COMMITTED_IDS);
  });

  it("keeps every property whose change would replace a table", () => {
    const tables = resources.filter(([, { Type }]) => Type === "AWS::DynamoDB::Table");
    const parts = tables.map(([id, { Properties }]) => [
      id,
      Object.fromEntries(REPLACING.map((part) => [part, Properties[part]])),
    ]);
    const key = (attribute: string, type: string) => ({ AttributeName: attribute, KeyType: type });
    const text = (attribute: string) => ({ AttributeName: attribute, AttributeType: "S" });
    const [pk, sk] = [key("pk", "HASH"), key("sk", "RANGE")];
    const table = (table: string, keys: object[], attributes: object[]) => ({
      TableName: `stasis-relay-${table}-${name}`,
      KeySchema: keys,
      AttributeDefinitions: attributes,
    });
    expect(Object.fromEntries(parts)).toEqual({
      StorageQueueF784EBBA: table("queue", [pk, sk], [text("pk"), text("sk")]),
      StorageCursorsDBEE6903: table("cursors", [pk, sk], [text("pk"), text("sk")]),
      StorageSessionsFCE686BD: table("sessions", [pk], [text("pk")]),
      StorageKeys12664C02: table("keys", [pk, sk], [text("pk"), text("sk")]),
      StorageAttempts7355C338: table("attempts", [pk, sk], [text("pk"), text("sk")]),
    });
  });
});

describe("production", () => {
  it("keeps tables, key and secret when the stack is deleted, and refuses to delete a table", () => {
    // The alarms' key encrypts notifications in flight, which are not kept.
    for (const [id, { Type, DeletionPolicy, UpdateReplacePolicy }] of Object.entries(
      resourcesOf(templates.prod),
    ))
      if (/Table$|Secret$|Key$/.test(Type) && !id.startsWith("MonitoringTopics"))
        expect([Type, DeletionPolicy, UpdateReplacePolicy]).toEqual([Type, "Retain", "Retain"]);
    templates.prod.allResourcesProperties("AWS::DynamoDB::Table", { DeletionProtectionEnabled: true });
  });

  it("leaves nothing behind where data need not be kept", () => {
    const kept = Object.values(resourcesOf(templates.dev)).filter(
      ({ DeletionPolicy }) => DeletionPolicy !== undefined && DeletionPolicy !== "Delete",
    );
    expect(kept).toEqual([]);
  });
});

describe("the event source mappings", () => {
  it("each have their own limit and report single failures", () => {
    const mappings = Object.values(templates.prod.findResources("AWS::Lambda::EventSourceMapping")).map(
      ({ Properties }) => ({
        queue: Properties.EventSourceArn["Fn::GetAtt"][0]
          .replace(/^Queues|Queue[0-9A-F]{8}$/g, "")
          .toLowerCase(),
        batchSize: Properties.BatchSize,
        concurrency: Properties.ScalingConfig.MaximumConcurrency,
        reports: Properties.FunctionResponseTypes,
      }),
    );
    expect(mappings).toEqual(
      (["ingest", "notify", "wake", "slow"] as const).map((queue) => ({
        queue,
        batchSize: queueLimits[queue].batchSize,
        concurrency: prod.maximumConcurrency[queue],
        reports: ["ReportBatchItemFailures"],
      })),
    );
  });

  it("poll queues that hide a message longer than the function may run", () => {
    templates.prod.hasResourceProperties("AWS::SQS::Queue", {
      QueueName: "stasis-relay-wake-prod",
      VisibilityTimeout: 6 * queueLimits.wake.functionTimeoutSeconds,
      RedrivePolicy: Match.objectLike({ maxReceiveCount: 5 }),
    });
  });
});

describe("calls with a wrong key", () => {
  it("cannot use up the concurrency of deliver: the two functions behind the HTTP API have a limit of their own", () => {
    const reserved = Object.values(templates.prod.findResources("AWS::Lambda::Function"))
      .filter(({ Properties }) => Properties.ReservedConcurrentExecutions !== undefined)
      .map(({ Properties }) => [Properties.FunctionName, Properties.ReservedConcurrentExecutions]);
    expect(Object.fromEntries(reserved)).toEqual({
      "stasis-relay-ingest-prod": prod.reservedConcurrency?.ingest,
      "stasis-relay-api-prod": prod.reservedConcurrency?.api,
    });
    // A new account may run a thousand functions at once, and AWS keeps 100 of them unreserved.
    const queued = Object.values(prod.maximumConcurrency).reduce((sum, each) => sum + each);
    expect(prod.reservedConcurrency?.ingest).toBeGreaterThan(prod.maximumConcurrency.ingest);
    expect(120 + queued).toBeLessThan(900);
  });

  it("leave a new account of ten invocations deployable: development reserves none", () => {
    for (const { Properties } of Object.values(templates.dev.findResources("AWS::Lambda::Function")))
      expect(Properties).not.toHaveProperty("ReservedConcurrentExecutions");
  });
});

describe("the functions", () => {
  it("run Node 24 on arm64, and log JSON to a group with a retention", () => {
    templates.prod.allResourcesProperties("AWS::Lambda::Function", {
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      LoggingConfig: Match.objectLike({ LogFormat: "JSON" }),
    });
    templates.prod.allResourcesProperties("AWS::Logs::LogGroup", { RetentionInDays: 90 });
  });

  const traced = (template: Template) =>
    Object.values(template.findResources("AWS::Lambda::Function"))
      .filter(({ Properties }) => Properties.TracingConfig?.Mode === "Active")
      .map(({ Properties }) => Properties.FunctionName);

  it("are traced only where they are seldom invoked", () => {
    expect(traced(templates.prod)).toEqual(["stasis-relay-sweep-prod", "stasis-relay-api-prod"]);
  });

  it("are traced as the stage says, and those alone may write traces", () => {
    const template = templateOf({ ...dev, tracedFunctions: ["ingest"] });
    expect(traced(template)).toEqual(["stasis-relay-ingest-dev"]);
    const roles = Object.entries(template.findResources("AWS::IAM::Role"))
      .filter(([, role]) => JSON.stringify(role).includes("xray:PutTraceSegments"))
      .map(([id]) => id.replace(/[0-9A-F]{8}$/, ""));
    expect(roles).toEqual(["IngestFunctionRole"]);
  });

  it("may send to themselves only where a session wakes itself", () => {
    const looping = Object.values(templates.prod.findResources("AWS::Lambda::Function"))
      .filter(({ Properties }) => Properties.RecursiveLoop === "Allow")
      .map(({ Properties }) => Properties.FunctionName);
    expect(looping).toEqual(["stasis-relay-deliver-prod"]);
  });
});

it("the whole template is as it was reviewed", () => {
  const { Resources, Outputs } = templates.prod.toJSON();
  const resources = Object.entries<Resource>(Resources).map(([id, resource]) => [
    id,
    withoutAssetHashes(resource),
  ]);
  expect({ Resources: Object.fromEntries(resources), Outputs }).toMatchSnapshot();
});
