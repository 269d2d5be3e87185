import { Match, Template } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { dev } from "../../infra/stages.ts";
import { grantsOf } from "./support/statements.ts";
import { synthesiseStack } from "./support/synthesise.ts";

const stack = synthesiseStack(dev);
const template = Template.fromStack(stack);

const PAGES = "ForAllValues:StringLike dynamodb:LeadingKeys page#*";
const HEADS = "ForAllValues:StringLike dynamodb:LeadingKeys head";
const REFERENCES = "ForAllValues:StringLike dynamodb:LeadingKeys reference#*";
const PAGES_AND_HEADS = `${PAGES}, head`;
const KEYS = "ForAllValues:StringLike dynamodb:LeadingKeys key";
const KEY_USES = "ForAllValues:StringLike dynamodb:LeadingKeys use";
const SESSION_NAMED = "Null kms:EncryptionContext:session false";

const traces = ["xray:PutTelemetryRecords on *", "xray:PutTraceSegments on *"];
const ownLog = (logs: string) => [`logs:CreateLogStream on ${logs}`, `logs:PutLogEvents on ${logs}`];
const receive = (queue: string) =>
  ["DeleteMessage", "GetQueueAttributes", "ReceiveMessage"].map((action) => `sqs:${action} on ${queue}`);
const sendWakes = ["sqs:SendMessage on QueuesSlowQueue", "sqs:SendMessage on QueuesWakeQueue"];

/** Everything that each role may do. A wider role must be listed here. */
const expected: Readonly<Record<string, readonly string[]>> = {
  ingest: [
    ...ownLog("IngestFunctionLogs"),
    `dynamodb:GetItem on StorageQueue if ${PAGES_AND_HEADS}`,
    `dynamodb:Query on StorageQueue if ${PAGES}, producer#*`,
    `dynamodb:PutItem on StorageQueue if ${PAGES_AND_HEADS}, producer#*`,
    `dynamodb:GetItem on StorageKeys if ${KEYS}, use`,
    `dynamodb:PutItem on StorageKeys if ${KEY_USES}`,
    "sqs:SendMessage on QueuesNotifyQueue",
    ...receive("QueuesIngestQueue"),
    "secretsmanager:GetSecretValue on SecretsManagementKey",
  ],
  notify: [
    ...ownLog("NotifyFunctionLogs"),
    `dynamodb:GetItem on StorageQueue if ${HEADS}`,
    `dynamodb:Query on StorageQueue if ${PAGES}`,
    "dynamodb:Query on StorageCursors",
    "dynamodb:UpdateItem on StorageCursors",
    ...sendWakes,
    ...receive("QueuesNotifyQueue"),
  ],
  deliver: [
    ...ownLog("DeliverFunctionLogs"),
    `dynamodb:Query on StorageQueue if ${PAGES}`,
    `dynamodb:UpdateItem on StorageQueue if ${REFERENCES}`,
    "dynamodb:GetItem on StorageCursors",
    "dynamodb:UpdateItem on StorageCursors",
    "dynamodb:BatchGetItem on StorageSessions",
    "dynamodb:GetItem on StorageSessions",
    "dynamodb:BatchWriteItem on StorageAttempts",
    "dynamodb:PutItem on StorageAttempts",
    `kms:Decrypt on SecretsWebhookSecretKey if ${SESSION_NAMED}`,
    ...sendWakes,
    ...receive("QueuesWakeQueue"),
    ...receive("QueuesSlowQueue"),
  ],
  sweep: [
    ...ownLog("SweepFunctionLogs"),
    ...traces,
    `dynamodb:GetItem on StorageQueue if ${HEADS}`,
    `dynamodb:Query on StorageQueue if ${PAGES_AND_HEADS}, reference#*`,
    `dynamodb:UpdateItem on StorageQueue if ${PAGES_AND_HEADS}, reference#*`,
    `dynamodb:ConditionCheckItem on StorageQueue if ${HEADS}, reference#*`,
    `dynamodb:BatchWriteItem on StorageQueue if ${PAGES}, reference#*`,
    ...["DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"].map(
      (action) => `dynamodb:${action} on StorageCursors`,
    ),
    ...["GetItem", "PutItem"].map((action) => `dynamodb:${action} on StorageSessions`),
    ...sendWakes,
  ],
  api: [
    ...ownLog("ApiFunctionLogs"),
    ...traces,
    `dynamodb:GetItem on StorageQueue if ${HEADS}`,
    `dynamodb:PutItem on StorageQueue if ${HEADS}`,
    `dynamodb:ConditionCheckItem on StorageQueue if ${HEADS}`,
    `dynamodb:Query on StorageQueue if ${PAGES_AND_HEADS}, reference#*, producer#*`,
    `dynamodb:UpdateItem on StorageQueue if ${HEADS}, reference#*`,
    ...["DeleteItem", "GetItem", "PutItem", "Query"].map(
      (action) => `dynamodb:${action} on StorageKeys if ${KEYS}, use`,
    ),
    ...["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"].map(
      (action) => `dynamodb:${action} on StorageCursors`,
    ),
    ...["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Scan"].map(
      (action) => `dynamodb:${action} on StorageSessions`,
    ),
    "dynamodb:Query on StorageAttempts",
    `kms:Encrypt on SecretsWebhookSecretKey if ${SESSION_NAMED}`,
    ...sendWakes,
    "secretsmanager:GetSecretValue on SecretsManagementKey",
  ],
};

const WRITES = /^dynamodb:(Put|Update|Delete|BatchWrite|PartiQL)/;

describe("the roles", () => {
  it.each(Object.entries(expected))("of %s grants exactly this", (name, grants) => {
    expect(grantsOf(template, name)).toEqual([...grants].sort());
  });

  it("of ingest can neither read nor write Cursors and Sessions", () => {
    expect(grantsOf(template, "ingest").filter((grant) => /Cursors|Sessions/.test(grant))).toEqual([]);
  });

  it("of ingest can read keys and not write them: it writes their last use only", () => {
    const writes = grantsOf(template, "ingest").filter(
      (grant) => grant.includes("StorageKeys") && WRITES.test(grant),
    );
    expect(writes).toEqual([`dynamodb:PutItem on StorageKeys if ${KEY_USES}`]);
  });

  it("of ingest and api alone reach the keys", () => {
    const withKeys = Object.keys(expected).filter((name) =>
      grantsOf(template, name).some((grant) => grant.includes("StorageKeys")),
    );
    expect(withKeys).toEqual(["ingest", "api"]);
  });

  it("of notify cannot write Queue", () => {
    const queue = grantsOf(template, "notify").filter((grant) => grant.includes("StorageQueue"));
    expect(queue.length).toBeGreaterThan(0);
    expect(queue.filter((grant) => WRITES.test(grant))).toEqual([]);
  });

  it("of deliver cannot write pages: in Queue it writes only reference counts", () => {
    const writes = grantsOf(template, "deliver").filter(
      (grant) => grant.includes("StorageQueue") && WRITES.test(grant),
    );
    expect(writes).toEqual([`dynamodb:UpdateItem on StorageQueue if ${REFERENCES}`]);
  });

  it("of api cannot decrypt a webhook secret, and only deliver and api may use the key", () => {
    const withKey = Object.keys(expected).filter((name) =>
      grantsOf(template, name).some((grant) => grant.startsWith("kms:")),
    );
    expect(withKey).toEqual(["deliver", "api"]);
    expect(grantsOf(template, "api").join()).not.toContain("kms:Decrypt");
  });
});

describe("outside the roles", () => {
  it("nothing grants rights: there are five roles, and no policy is attached to them", () => {
    template.resourceCountIs("AWS::IAM::Role", Object.keys(expected).length);
    template.resourceCountIs("AWS::IAM::Policy", 0);
    template.resourceCountIs("AWS::IAM::ManagedPolicy", 0);
    template.allResourcesProperties("AWS::IAM::Role", { ManagedPolicyArns: Match.absent() });
  });

  it("queues require TLS, and their policies allow nothing", () => {
    template.resourceCountIs("AWS::SQS::QueuePolicy", 8);
    template.allResourcesProperties("AWS::SQS::QueuePolicy", {
      PolicyDocument: Match.objectEquals({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Deny",
            Action: "sqs:*",
            Principal: { AWS: "*" },
            Condition: { Bool: { "aws:SecureTransport": "false" } },
            Resource: Match.anyValue(),
          },
        ],
      }),
    });
  });

  it("only the schedule and the HTTP API invoke functions", () => {
    const principals = Object.values(template.findResources("AWS::Lambda::Permission")).map(
      ({ Properties }) => [Properties.Principal, Properties.SourceArn !== undefined],
    );
    // Two routes of /v1, health, and those of the pages: /, /docs, /console and what is below it.
    expect(principals.sort()).toEqual([
      ...Array.from({ length: 6 }, () => ["apigateway.amazonaws.com", true]),
      ["events.amazonaws.com", true],
    ]);
  });
});
