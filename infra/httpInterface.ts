import { RemovalPolicy, Validations } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import { HttpApi, HttpMethod, HttpStage, LogGroupLogDestination } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { nameIn } from "./nameIn.ts";
import type { RelayFunction } from "./relayFunction.ts";
import type { RelayStage } from "./stages.ts";

/** The caller, the request and its duration. Headers are left out, because one holds the key. */
const ACCESS_LOG = AccessLogFormat.custom(
  JSON.stringify({
    requestId: "$context.requestId",
    time: "$context.requestTime",
    sourceIp: "$context.identity.sourceIp",
    method: "$context.httpMethod",
    path: "$context.path",
    status: "$context.status",
    responseBytes: "$context.responseLength",
    responseMillis: "$context.responseLatency",
    integrationError: "$context.integrationErrorMessage",
  }),
);

/** The HTTP API: appending events goes to ingest, everything else to the api function. */
export class HttpInterface extends Construct {
  readonly httpApi: HttpApi;
  readonly url: string;

  constructor(
    scope: Construct,
    id: string,
    { stage, ingest, api }: { stage: RelayStage; ingest: RelayFunction; api: RelayFunction },
  ) {
    super(scope, id);
    this.httpApi = new HttpApi(this, "HttpApi", {
      apiName: nameIn(stage, "stasis-relay"),
      createDefaultStage: false,
    });
    this.httpApi.addRoutes({
      path: "/v1/feeds/{feed}/events",
      methods: [HttpMethod.POST],
      integration: new HttpLambdaIntegration("Ingest", ingest.function),
    });
    const toApi = new HttpLambdaIntegration("Api", api.function);
    this.httpApi.addRoutes({ path: "/v1/{proxy+}", methods: [HttpMethod.ANY], integration: toApi });
    // For people who open the API's URL in a browser.
    for (const path of ["/", "/docs", "/console"])
      this.httpApi.addRoutes({ path, methods: [HttpMethod.GET], integration: toApi });
    this.httpApi.addRoutes({ path: "/console/{proxy+}", methods: [HttpMethod.ANY], integration: toApi });
    const accessLog = new LogGroup(this, "AccessLog", {
      // With this prefix API Gateway needs no entry in the account's log policy, whose size is limited.
      logGroupName: `/aws/vendedlogs/${nameIn(stage, "stasis-relay-http")}`,
      retention: stage.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const httpStage = new HttpStage(this, "Stage", {
      httpApi: this.httpApi,
      stageName: "$default",
      autoDeploy: true,
      throttle: { rateLimit: stage.requestsPerSecond, burstLimit: stage.requestBurst },
      accessLogSettings: { destination: new LogGroupLogDestination(accessLog), format: ACCESS_LOG },
    });
    this.url = httpStage.url;
    Validations.of(this.httpApi).acknowledge({
      id: "AwsSolutions-APIG4",
      reason:
        "The functions check the caller's key themselves, in constant time, with its role, its feeds and its revocation; health and the OpenAPI document are public.",
    });
  }
}
