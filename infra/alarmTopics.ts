import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Construct } from "constructs";
import type { Severity } from "./alarms.ts";
import { nameIn } from "./nameIn.ts";
import type { RelayStage } from "./stages.ts";

/** The topics of the alarms, one for each severity: a pager can subscribe to one and a mailbox to the other. */
export class AlarmTopics extends Construct {
  readonly topics: Readonly<Record<Severity, Topic>>;

  constructor(scope: Construct, id: string, stage: RelayStage) {
    super(scope, id);
    // CloudWatch cannot publish to a topic encrypted with AWS's own key for SNS, whose policy nobody can change.
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    const key = new Key(this, "Key", {
      description: "Encrypts the relay's alarm notifications",
      enableKeyRotation: true,
      pendingWindow: Duration.days(7),
      // The key protects nothing that outlives the stack.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const alarmsOfThisAccount = (actions: string[], resource: string) =>
      new PolicyStatement({
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        actions,
        resources: [resource],
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      });
    // In a key's own policy, * means this key.
    key.addToResourcePolicy(alarmsOfThisAccount(["kms:Decrypt", "kms:GenerateDataKey*"], "*"));
    const topic = (severity: Severity) => {
      const made = new Topic(this, severity === "high" ? "High" : "Low", {
        topicName: nameIn(stage, `stasis-relay-alarms-${severity}`),
        displayName: `stasis-relay ${stage.name}, ${severity}`,
        masterKey: key,
        enforceSSL: true,
      });
      // An explicit policy replaces the default one, which lets the account's alarms publish.
      made.addToResourcePolicy(alarmsOfThisAccount(["sns:Publish"], made.topicArn));
      if (stage.alarmEmail !== undefined) made.addSubscription(new EmailSubscription(stage.alarmEmail));
      return made;
    };
    this.topics = { high: topic("high"), low: topic("low") };
  }
}
