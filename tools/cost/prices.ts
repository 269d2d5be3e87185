/**
 * List prices of us-east-1, without free tiers and discounts. Where `thirdParty` is set, the source is a third party's
 * copy of AWS's price page. Check AWS's own page before you rely on the figure.
 */
export interface Price {
  readonly usd: number;
  readonly per: string;
  readonly source: string;
  /** The date of the source, or the date of reading when the source has none. */
  readonly asOf: string;
  readonly thirdParty: boolean;
}

const third = (usd: number, per: string, source: string, asOf: string): Price => ({
  usd,
  per,
  source,
  asOf,
  thirdParty: true,
});

const READ = "read in 2026-11";

const API_GATEWAY = "https://c3x.dev (aws_apigatewayv2_api)";
const CLOUDWATCH =
  "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/";
const DYNAMODB = "https://airbyte.com/data-engineering-resources/dynamodb-pricing";
const FARGATE = "https://www.vantage.sh/blog/fargate-pricing";
const BALANCER = "a price that nobody has checked: see https://aws.amazon.com/elasticloadbalancing/pricing/";
const ADDRESS = "a price that nobody has checked: see https://aws.amazon.com/vpc/pricing/";
const EVENTBRIDGE = "https://cloudburn.io/blog/amazon-eventbridge-pricing";
const KINESIS = "https://github.com/api-evangelist/kinesis";
const KMS = "https://cloudburn.io/blog/aws-kms-pricing";
const LAMBDA = "https://cloudchipr.com/blog/aws-lambda-pricing";
const SECRETS = "https://hivebook.wiki/wiki/aws-secrets-manager-rotated-secrets-dynamic-db-credentials-kms";
const SNS = "https://www.factualminds.com (SNS pricing)";
const SQS = "https://cloudburn.io/blog/amazon-sqs-pricing";

export const prices = {
  lambdaRequest: third(0.2e-6, "invocation", LAMBDA, "2024"),
  lambdaGigabyteSecond: third(13.3334e-6, "GB-second on arm64", LAMBDA, "2024"),
  dynamodbWriteUnit: third(0.625e-6, "write request unit", DYNAMODB, READ),
  dynamodbReadUnit: third(0.125e-6, "read request unit", DYNAMODB, READ),
  dynamodbGigabyteMonth: third(0.25, "GB-month, standard class", DYNAMODB, READ),
  dynamodbRecoveryGigabyteMonth: {
    usd: 0.2,
    per: "GB-month of point-in-time recovery",
    source: "https://aws.amazon.com/dynamodb/pricing/on-demand/",
    asOf: READ,
    thirdParty: false,
  },
  sqsRequest: third(0.4e-6, "request of up to 64 KB, standard queue", SQS, "2026-03"),
  sqsFifoRequest: third(0.5e-6, "request of up to 64 KB, FIFO queue", SQS, "2026-03"),
  snsPublish: third(0.5e-6, "publish of up to 64 KB", SNS, READ),
  eventBridgeEvent: third(1e-6, "event of up to 64 KB", EVENTBRIDGE, READ),
  apiDestinationCall: third(0.2e-6, "call of an API destination", EVENTBRIDGE, READ),
  kinesisShardHour: third(0.015, "shard-hour, provisioned", KINESIS, READ),
  kinesisPutUnit: third(0.014e-6, "PUT payload unit of 25 KB", KINESIS, READ),
  kinesisConsumerShardHour: third(0.015, "consumer-shard-hour of enhanced fan-out", KINESIS, READ),
  kinesisFanOutGigabyte: third(0.013, "GB by enhanced fan-out", KINESIS, READ),
  httpApiRequest: third(1e-6, "request of an HTTP API", API_GATEWAY, READ),
  egressGigabyte: third(0.09, "GB to the internet, first 10 TB", API_GATEWAY, READ),
  logsGigabyte: third(0.5, "GB of logs ingested", CLOUDWATCH, "2026-06"),
  metricMonth: third(
    0.3,
    "custom metric and month, by the hours in which it gets a value",
    CLOUDWATCH,
    "2026-06",
  ),
  alarmMetricMonth: third(0.1, "metric of an alarm and month", CLOUDWATCH, "2026-06"),
  dashboardMonth: third(3, "dashboard and month", CLOUDWATCH, "2026-06"),
  kmsKeyMonth: third(1, "key of the customer and month", KMS, "2026-03"),
  kmsRequest: third(3e-6, "request", KMS, "2026-03"),
  secretMonth: third(0.4, "secret and month", SECRETS, READ),
  secretRequest: third(5e-6, "request", SECRETS, READ),
  fargateCpuHour: third(0.03238, "vCPU-hour on arm64", FARGATE, READ),
  fargateGigabyteHour: third(0.00356, "GB-hour on arm64", FARGATE, READ),
  balancerHour: third(0.0225, "hour of a network load balancer", BALANCER, READ),
  balancerUnitHour: third(0.006, "capacity unit and hour (NLCU)", BALANCER, READ),
  publicAddressHour: third(0.005, "public IPv4 address and hour", ADDRESS, READ),
  xrayTrace: {
    usd: 5e-6,
    per: "trace recorded",
    source: "https://aws.amazon.com/xray/pricing/",
    asOf: READ,
    thirdParty: false,
  },
} as const satisfies Record<string, Price>;

export type PriceName = keyof typeof prices;

/** The used amount of each priced item. */
export type Usage = Partial<Record<PriceName, number>>;

export function usdOf(usage: Usage): number {
  return Object.entries(usage).reduce(
    (sum, [name, amount]) => sum + prices[name as PriceName].usd * amount,
    0,
  );
}
