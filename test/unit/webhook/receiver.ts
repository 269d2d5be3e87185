import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";

export interface ReceivedRequest {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** A real HTTP endpoint on 127.0.0.1 that stores its requests. */
export interface Receiver extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  /** Every connection ever made to it. */
  readonly sockets: readonly Socket[];
}

/** @param answer called when the request's body has arrived */
export async function startReceiver(
  answer: (response: ServerResponse, request: ReceivedRequest) => void,
): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  const listener: RequestListener = async (incoming, response) => {
    const { method, url: path, headers } = incoming;
    const request = { method, path, headers, body: await text(incoming) };
    requests.push(request);
    answer(response, request);
  };
  const server = createServer(listener);
  return { ...(await listen(server)), requests };
}

/** A TCP endpoint: `onConnection` gets the bare socket. */
export async function startTcpReceiver(
  onConnection: (socket: Socket) => void,
): Promise<Omit<Receiver, "requests">> {
  return listen(createTcpServer(onConnection));
}

async function listen(server: Server): Promise<Omit<Receiver, "requests">> {
  const sockets: Socket[] = [];
  server.on("connection", (socket) => {
    socket.on("error", () => {});
    sockets.push(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}/hook?a=b`,
    sockets,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
