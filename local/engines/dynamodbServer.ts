import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { refusalBody, refusalOf } from "./callerCheck.ts";
import { type DirectHandler, directResponse, textOf } from "./direct.ts";
import { DynamodbError, isWrite, type Operations } from "./operations.ts";
import { RecentFailures } from "./recentFailures.ts";
import { type Credentials, isSignedWith } from "./signature.ts";

const TARGET_PREFIX = "DynamoDB_20120810.";
const CONTENT_TYPE = "application/x-amz-json-1.0";
/** DynamoDB's largest request is 16 MB. */
const MAX_BODY_BYTES = 17 * 1024 * 1024;
/** Longer than the SDK keeps an unused connection, so that it never sends on one that is being closed. */
const KEEP_ALIVE_MILLIS = 60_000;

export interface DynamodbServer {
  readonly endpoint: string;
  readonly directHandler: DirectHandler;
  fault(): string | undefined;
  close(): Promise<void>;
}

/** DynamoDB's protocol on a free loopback port, for callers that sign with the credentials. */
export async function startDynamodbServer(options: {
  readonly operations: Operations;
  readonly credentials: Credentials;
  /** Why nothing can be kept at present. */
  fault(): string | undefined;
}): Promise<DynamodbServer> {
  const { operations, credentials } = options;
  const failures = new RecentFailures();

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const refused = refusalOf(request, TARGET_PREFIX);
    if (refused !== undefined) return refuse(response, refused);
    const body = await readBody(request);
    if (body === undefined || !isSignedWith(credentials, { headers: request.headers, body }))
      return refuse(response, "the signature is not the relay's");

    const { status, text } = await execute(String(request.headers["x-amz-target"]), body.toString("utf8"));
    send(response, status, text);
  };

  const execute = async (target: string, body: string): Promise<{ status: number; text: string }> => {
    const operation = target.slice(TARGET_PREFIX.length);
    try {
      const fault = isWrite(operation) ? options.fault() : undefined;
      if (fault !== undefined) throw new DynamodbError("InternalServerError", fault);
      const text = await operations.run(operation, JSON.parse(body));
      failures.succeeded(isWrite(operation));
      return { status: 200, text };
    } catch (error) {
      const { type, message, more } = asDynamodbError(error);
      const isFault = type === "InternalServerError";
      if (isFault) failures.failed(isWrite(operation), `the embedded DynamoDB fails: ${message}`);
      const __type = `com.amazonaws.dynamodb.v20120810#${type}`;
      return { status: isFault ? 500 : 400, text: JSON.stringify({ __type, message, ...more }) };
    }
  };

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MILLIS }, (request, response) => {
    // What is left to fail is the connection itself.
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(0, "127.0.0.1", listening);
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    directHandler: directHandler(execute),
    fault: () => options.fault() ?? failures.current(),
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

/** Stands in for HTTP in the SDK's clients of this process: their calls reach the engine without a socket. */
function directHandler(
  execute: (target: string, body: string) => Promise<{ status: number; text: string }>,
): DirectHandler {
  return {
    async handle(request) {
      const { status, text } = await execute(request.headers["x-amz-target"] ?? "", textOf(request));
      return directResponse(status, text);
    },
  };
}

function asDynamodbError(error: unknown): DynamodbError {
  if (error instanceof DynamodbError) return error;
  if (error instanceof SyntaxError)
    return new DynamodbError("SerializationException", "the body is not JSON");
  return new DynamodbError("InternalServerError", error instanceof Error ? error.message : String(error));
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

/** Before the body is read, so the connection cannot be used again. */
function refuse(response: ServerResponse, reason: string): void {
  response.setHeader("connection", "close");
  send(response, 403, refusalBody(reason));
}

function send(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(status, { "content-type": CONTENT_TYPE, "content-length": body.length }).end(body);
}
