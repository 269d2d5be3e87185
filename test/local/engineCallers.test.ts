import { request as httpRequest } from "node:http";
import { ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { CreateQueueCommand, ListQueuesCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDynamodb } from "../../local/engines/dynamodb.ts";
import type { Engine } from "../../local/engines/engine.ts";
import { newCredentials } from "../../local/engines/signature.ts";
import { startSqs } from "../../local/engines/sqs.ts";
import { destroyClients } from "../../shared/aws/clients.ts";
import { localClients } from "./support/clients.ts";

const services = ["dynamodb", "sqs"] as const;
type Service = (typeof services)[number];

let engines: Record<Service, Engine>;

beforeAll(async () => {
  engines = { dynamodb: await startDynamodb(), sqs: await startSqs() };
});

afterAll(() => Promise.all(services.map((service) => engines[service].close())));

type Headers = Record<string, string>;

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** What the SDK sends for a harmless call, with the engine's own keys. */
async function signedRequest(service: Service): Promise<Sent> {
  const clients = localClients(engines);
  const seen: Sent[] = [];
  const look = (next: (args: never) => Promise<unknown>) => (args: { request: unknown }) => {
    const { method, path, headers, body } = args.request as Sent;
    seen.push({ method, path, headers, body });
    return next(args as never);
  };
  const { middlewareStack } = service === "sqs" ? clients.sqs : clients.documents;
  const stack = middlewareStack as unknown as { add(middleware: typeof look, options: object): void };
  stack.add(look, { step: "finalizeRequest", priority: "low" });
  if (service === "sqs") await clients.sqs.send(new ListQueuesCommand());
  else await clients.documents.send(new ListTablesCommand() as never);
  destroyClients(clients);
  const [sent] = seen;
  if (sent === undefined) throw new Error("nothing was sent");
  return sent;
}

/** Sends bytes as given: `fetch` would not let a test choose Host and Origin. */
function send(
  service: Service,
  { method, path, headers, body }: Sent,
): Promise<{ status: number; cors: unknown }> {
  const { port } = new URL(engines[service].endpoint);
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: "127.0.0.1", port, method, path, headers }, (response) => {
      response.resume();
      const cors = response.headers["access-control-allow-origin"];
      response.once("end", () => resolve({ status: response.statusCode ?? 0, cors }));
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

describe.each(services)("the embedded %s", (service) => {
  it("answers the relay, which signs with the keys of this start", async () => {
    expect(await send(service, await signedRequest(service))).toEqual({ status: 200, cors: undefined });
  });

  it.each<[string, (sent: Sent) => Partial<Sent>]>([
    ["a page of another origin", () => ({ headers: { origin: "http://evil.example" } })],
    ["a page without an origin", () => ({ headers: { origin: "null" } })],
    [
      "a page that claims the engine's own origin",
      () => ({ headers: { origin: engines[service].endpoint } }),
    ],
    ["a page that sends no Origin", () => ({ headers: { "sec-fetch-site": "cross-site" } })],
    ["a name that was rebound to this machine", () => ({ headers: { host: "evil.example" } })],
    [
      "a name that only begins like this machine's",
      () => ({ headers: { host: "127.0.0.1.evil.example:80" } }),
    ],
    ["a name that only ends like an address", () => ({ headers: { host: "evil.example#127.0.0.1" } })],
    ["a caller without a signature", () => ({ headers: { authorization: "" } })],
    [
      "a caller with the keys that everybody knows",
      ({ headers }) => ({
        headers: {
          authorization: (headers.authorization ?? "").replace(/Credential=[^/]+/, "Credential=test"),
        },
      }),
    ],
    [
      "a caller that knows the key's name and not the key",
      ({ headers }) => ({
        headers: {
          authorization: (headers.authorization ?? "").replace(
            /Signature=\w+/,
            `Signature=${"0".repeat(64)}`,
          ),
        },
      }),
    ],
    [
      "a caller whose key's name has the right length in letters and another one in bytes",
      ({ headers }) => ({
        headers: {
          authorization: (headers.authorization ?? "").replace(/(?<=Credential=)[^/]+/, (key) =>
            "\u00e9".repeat(key.length),
          ),
        },
      }),
    ],
    ["a signature in the address", () => ({ path: "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0" })],
    ["an address in absolute form", () => ({ path: "http://evil.example/" })],
    [
      "a Host that a proxy was told",
      () => ({ headers: { host: "evil.example", "x-forwarded-host": "127.0.0.1" } }),
    ],
    [
      "a signature of no header",
      ({ headers }) => ({
        headers: {
          authorization: (headers.authorization ?? "").replace(/SignedHeaders=[^,]+/, "SignedHeaders=x"),
        },
      }),
    ],
    ["a body that was not signed", () => ({ body: '{"QueueNamePrefix":"x","Limit":1}' })],
    ["another service", () => ({ headers: { "x-amz-target": "AmazonSNS.ListTopics" } })],
    [
      "a form, as SNS and STS take it",
      () => ({ headers: { "content-type": "application/x-www-form-urlencoded", "x-amz-target": "" } }),
    ],
    ["a bucket of S3", () => ({ method: "PUT", path: "/bucket" })],
    ["a look at the queues without a key", () => ({ method: "GET", path: "/_fauxqs/queues", body: "" })],
    ["a health check", () => ({ method: "GET", path: "/health", body: "" })],
  ])("refuses %s", async (_, change) => {
    const sent = await signedRequest(service);
    const changed = change(sent);
    const headers = { ...sent.headers, ...changed.headers };
    delete headers["content-length"];
    expect(await send(service, { ...sent, ...changed, headers })).toEqual({ status: 403, cors: undefined });
  });

  it("answers no preflight", async () => {
    const headers = { origin: "http://evil.example", "access-control-request-method": "POST" };
    expect(await send(service, { method: "OPTIONS", path: "/", headers, body: "" })).toEqual({
      status: 403,
      cors: undefined,
    });
  });

  it("refuses the keys of another start", async () => {
    const { endpoint } = engines[service];
    const other = { endpoint, credentials: newCredentials() };
    const clients = localClients({ dynamodb: other, sqs: other });
    const call =
      service === "sqs"
        ? clients.sqs.send(new CreateQueueCommand({ QueueName: "forged" }))
        : clients.documents.send(new ListTablesCommand() as never);
    await expect(call).rejects.toMatchObject({ name: "UnrecognizedClientException" });
    destroyClients(clients);
  });
});
