import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { Key } from "aws-cdk-lib/aws-kms";
import { type CfnSecret, Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import type { RelayStage } from "./stages.ts";

/** The management key that callers of the HTTP API send, and the KMS key that encrypts the sessions' webhook secrets. */
export class Secrets extends Construct {
  readonly managementKey: Secret;
  /** Read from the attribute. CDK would use `Ref`, which is the ARN on AWS but a bare name on some local clouds. */
  readonly managementKeyArn: string;
  readonly webhookSecretKey: Key;

  constructor(scope: Construct, id: string, stage: RelayStage) {
    super(scope, id);
    const removalPolicy = stage.keepsData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    this.managementKey = new Secret(this, "ManagementKey", {
      description: "The key of the relay's HTTP API: Authorization: Bearer KEY",
      // A change of these settings makes a new key, which locks every caller out.
      generateSecretString: { passwordLength: 43, excludePunctuation: true },
      removalPolicy,
    });
    this.managementKeyArn = (this.managementKey.node.defaultChild as CfnSecret).attrId;
    Validations.of(this.managementKey).acknowledge({
      id: "AwsSolutions-SMG4",
      reason:
        "Producers hold this key: a schedule would cut off those who are not told. A person rotates it, and the one before goes on for a day.",
    });
    this.webhookSecretKey = new Key(this, "WebhookSecretKey", {
      description: "Encrypts the webhook secrets in the relay's Sessions table",
      enableKeyRotation: true,
      pendingWindow: Duration.days(stage.keepsData ? 30 : 7),
      removalPolicy,
    });
  }
}
