import { type DirectHandler, directResponse, textOf } from "./direct.ts";

/** The handler of fauxqs' route `POST /`, with the parts of Fastify's request and reply that it uses. */
export type SqsRoute = (
  request: { readonly headers: Readonly<Record<string, string>>; readonly body: unknown },
  reply: RouteReply,
) => Promise<unknown>;

interface RouteReply {
  status(code: number): void;
  header(name: string, value: string): void;
}

/** @param queues the names of the queues that `other` has */
export function routeByQueue(queues: ReadonlySet<string>, other: SqsRoute, route: SqsRoute): SqsRoute {
  return (request, reply) => (queues.has(queueOf(request.body)) ? other : route)(request, reply);
}

/** The name of the queue that a request is about; empty when it is about none, or all. */
export function queueOf(body: unknown): string {
  const { QueueName, QueueUrl } = Object(body) as { QueueName?: unknown; QueueUrl?: unknown };
  if (typeof QueueName === "string") return QueueName;
  return typeof QueueUrl === "string" ? QueueUrl.slice(QueueUrl.lastIndexOf("/") + 1) : "";
}

/**
 * Calls the route without a socket. Fastify checks and parses what comes over the network; here both ends are the relay.
 * Queues must be created over HTTP: fauxqs reads their region from the signature.
 */
export function directSqsHandler(
  route: SqsRoute,
  observe: {
    /** Why this call cannot be kept at present. */
    fault(target: string): string | undefined;
    failed(target: string, error: unknown): void;
    succeeded(target: string): void;
  },
): DirectHandler {
  return {
    async handle(request) {
      const { headers } = request;
      const target = headers["x-amz-target"] ?? "";
      const problem = observe.fault(target);
      if (problem !== undefined) return internalFailure(problem);

      let status = 200;
      const replied: Record<string, string> = {};
      try {
        const result = await route(
          { headers, body: JSON.parse(textOf(request)) },
          {
            status: (code) => {
              status = code;
            },
            header: (name, value) => {
              replied[name] = value;
            },
          },
        );
        if (status < 300) observe.succeeded(target);
        return directResponse(status, JSON.stringify(result ?? {}), replied);
      } catch (error) {
        observe.failed(target, error);
        return internalFailure(error instanceof Error ? error.message : String(error));
      }
    },
  };
}

function internalFailure(message: string) {
  return directResponse(500, internalFailureBody(message));
}

export function internalFailureBody(message: string): string {
  return JSON.stringify({ __type: "com.amazonaws.sqs#InternalFailure", message });
}
