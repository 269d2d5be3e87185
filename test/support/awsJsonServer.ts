import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Environment } from "../../shared/runtime/settings.ts";

type Operation = (input: Readonly<Record<string, unknown>>) => object;

/** Thrown by an operation. The server answers like AWS to a caller's mistake. */
export class AwsRefusal extends Error {
  readonly type: string;

  constructor(type: string) {
    super(type);
    this.type = type;
  }
}

/** An AWS JSON 1.1 endpoint with the operations that a test defines. */
export class AwsJsonServer implements AsyncDisposable {
  readonly #server: Server;
  /** The requested operations, in order. */
  readonly asked: string[] = [];
  /** If set, every response is a fault of the service. */
  isDown = false;

  private constructor(operations: Readonly<Record<string, Operation>>) {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const name = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
      this.asked.push(name);
      const answer = (status: number, body: object) =>
        response
          .writeHead(status, { "content-type": "application/x-amz-json-1.1" })
          .end(JSON.stringify(body));
      if (this.isDown) return void answer(400, { __type: "InternalServiceError", message: "down" });
      try {
        const operation = operations[name];
        if (operation === undefined) throw new AwsRefusal("UnknownOperationException");
        answer(200, operation(JSON.parse(Buffer.concat(chunks).toString("utf8"))));
      } catch (error) {
        answer(400, { __type: error instanceof AwsRefusal ? error.type : "InternalFailure" });
      }
    });
  }

  static async start(operations: Readonly<Record<string, Operation>>): Promise<AwsJsonServer> {
    const server = new AwsJsonServer(operations);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  /** The environment that points a client to this endpoint. */
  get environment(): Environment {
    return {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
