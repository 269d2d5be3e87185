import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { readSettings } from "../shared/runtime/settings.ts";
import { Api } from "./api.ts";
import { checkNames } from "./checkNames.ts";
import { checkTimes } from "./checkTimes.ts";
import { Deliver } from "./deliver.ts";
import { Gateway } from "./gateway.ts";
import { HttpInterface } from "./httpInterface.ts";
import { Ingest } from "./ingest.ts";
import { Monitoring } from "./monitoring.ts";
import { Notify } from "./notify.ts";
import { createQueues } from "./queues.ts";
import { Secrets } from "./secrets.ts";
import type { RelayStage } from "./stages.ts";
import { createStorage } from "./storage.ts";
import { Sweep } from "./sweep.ts";

/** One relay. The constructor follows an event through the system. */
export class RelayStack extends Stack {
  constructor(scope: Construct, stage: RelayStage, props: StackProps = {}) {
    super(scope, `stasis-relay-${stage.name}`, {
      description:
        "Stasis messages as a shared, ordered queue: ingest, notify, deliver, sweep and the HTTP API",
      terminationProtection: stage.keepsData,
      ...props,
    });
    checkNames(stage.settings);
    checkTimes(readSettings(stage.settings));
    const storage = createStorage(this, "Storage", stage);
    const queues = createQueues(this, "Queues", stage);
    const secrets = new Secrets(this, "Secrets", stage);
    const resources = { stage, storage, queues, secrets };

    const ingest = new Ingest(this, "Ingest", resources);
    const notify = new Notify(this, "Notify", resources);
    const deliver = new Deliver(this, "Deliver", resources);
    const sweep = new Sweep(this, "Sweep", resources);

    const api = new Api(this, "Api", resources);
    const http = new HttpInterface(this, "Http", { stage, ingest: ingest.function, api: api.function });

    const gateway = stage.gateway && new Gateway(this, "Gateway", resources, stage.gateway);

    const functions = {
      ingest: ingest.function.function,
      notify: notify.function.function,
      deliver: deliver.function.function,
      sweep: sweep.function.function,
      api: api.function.function,
    };
    new Monitoring(this, "Monitoring", { stage, queues, functions, http, gateway });

    new CfnOutput(this, "ApiUrl", {
      value: http.url,
      description: "The HTTP interface; in a browser it shows where to start",
    });
    new CfnOutput(this, "ManagementKeySecretArn", {
      value: secrets.managementKeyArn,
      description: "The secret in Secrets Manager that holds the bearer token of the HTTP interface",
    });
    new CfnOutput(this, "IngestQueueUrl", {
      value: queues.ingest.queue.queueUrl,
      description: "The FIFO queue that takes events: the message group is the feed (docs/producers.md)",
    });
  }
}
