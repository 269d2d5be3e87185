import { RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, BillingMode, Table } from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";
import { forEachName, type TableDefinition, type TableName, tables } from "../shared/aws/resources.ts";
import { capitalised, nameIn } from "./nameIn.ts";
import type { RelayStage } from "./stages.ts";

/** The tables. Each has an explicit name, because CloudFormation refuses to replace such a resource. */
export type Storage = Readonly<Record<TableName, Table>>;

export function createStorage(scope: Construct, id: string, stage: RelayStage): Storage {
  const parent = new Construct(scope, id);
  return forEachName(tables, (name) => createTable(parent, capitalised(name), tables[name], stage));
}

function createTable(scope: Construct, id: string, definition: TableDefinition, stage: RelayStage): Table {
  const { name, partitionKey, sortKey, ttl } = definition;
  return new Table(scope, id, {
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
