import { RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, BillingMode, Table } from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";
import { tables } from "../shared/aws/resources.ts";
import { nameIn } from "./nameIn.ts";
import type { RelayStage } from "./stages.ts";

interface TableDefinition {
  readonly name: string;
  readonly partitionKey: string;
  readonly sortKey?: string;
  readonly ttl?: string;
}

/** The three tables. They have names of our own: CloudFormation refuses to replace a resource that has one. */
export class Storage extends Construct {
  readonly queue: Table;
  readonly cursors: Table;
  readonly sessions: Table;

  constructor(scope: Construct, id: string, stage: RelayStage) {
    super(scope, id);
    this.queue = this.#table("Queue", tables.queue, stage);
    this.cursors = this.#table("Cursors", tables.cursors, stage);
    this.sessions = this.#table("Sessions", tables.sessions, stage);
  }

  #table(id: string, { name, partitionKey, sortKey, ttl }: TableDefinition, stage: RelayStage): Table {
    return new Table(this, id, {
      tableName: nameIn(stage, name),
      partitionKey: { name: partitionKey, type: AttributeType.STRING },
      ...(sortKey === undefined ? {} : { sortKey: { name: sortKey, type: AttributeType.STRING } }),
      ...(ttl === undefined ? {} : { timeToLiveAttribute: ttl }),
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.keepsData,
      removalPolicy: stage.keepsData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
  }
}
