import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { generate } from "selfsigned";

/** The relay's expected reaction to an endpoint's behaviour: docs/webhooks.md, "Responses". */
export type Outcome =
  | { readonly kind: "accepted" }
  | { readonly kind: "suspended"; readonly reason: string; readonly status: number }
  | {
      readonly kind: "retried";
      readonly reason: string;
      readonly status?: number;
      /** The wait that the endpoint asked for. If absent, the wait is the jitter of the first failures. */
      readonly noEarlierThanMillis?: number;
    };

export interface BadEndpoint extends AsyncDisposable {
  readonly port: number;
  readonly scheme: "http" | "https";
  /** Replaces the default name below `localhost`. */
  readonly host?: string;
}

export interface BadBehaviour {
  readonly name: string;
  readonly outcome: Outcome;
  start(): Promise<BadEndpoint>;
}

/** A name that cannot be resolved. */
export const UNKNOWN_HOST = "unknown.example.com";

const MINUTES_2 = 120_000;

const retried = (reason: string, status?: number): Outcome => ({
  kind: "retried",
  reason,
  ...(status !== undefined && { status }),
});

/** Answers each connection's request with raw bytes. */
export function tcp(name: string, outcome: Outcome, answer: (socket: Socket) => void): BadBehaviour {
  return {
    name,
    outcome,
    start: () =>
      listen(
        createTcpServer((socket) => void socket.once("data", () => answer(socket))),
        "http",
      ),
  };
}

function http(name: string, outcome: Outcome, answer: (response: ServerResponse) => void): BadBehaviour {
  return { name, outcome, start: () => listenHttp(answer) };
}

function listenHttp(answer: (response: ServerResponse) => void): Promise<BadEndpoint> {
  const server = createServer((request, response) => {
    request.resume().once("end", () => answer(response));
  });
  return listen(server, "http");
}

/** Keeps no reference to closed connections, because the tests that use it look for memory leaks. */
async function listen(server: Server, scheme: BadEndpoint["scheme"]): Promise<BadEndpoint> {
  const open = new Set<Socket>();
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("error", () => {}).once("close", () => open.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    scheme,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/** Writes for as long as the other side reads. */
function endlessly(socket: Socket, text: string): void {
  const write = () => {
    while (!socket.destroyed && socket.write(text));
  };
  socket.on("drain", write);
  write();
}

/** Writes one byte at a time, slower than any allowed response. */
function trickle(socket: Socket, everyMillis: number): void {
  const timer = setInterval(() => socket.write("a"), everyMillis);
  socket.once("close", () => clearInterval(timer));
}

const answered =
  (status: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    response.writeHead(status, headers).end("no");

export const badBehaviours: readonly BadBehaviour[] = [
  {
    name: "nothing listens",
    outcome: retried("connection.refused"),
    start: async () => {
      const endpoint = await listenHttp(() => {});
      await endpoint[Symbol.asyncDispose]();
      return { ...endpoint, async [Symbol.asyncDispose]() {} };
    },
  },
  { name: "a self-signed certificate", outcome: retried("tls.failed"), start: startSelfSigned },
  {
    name: "plain http where https is expected",
    outcome: retried("tls.failed"),
    start: async () => ({ ...(await listenHttp(answered(200))), scheme: "https" }),
  },
  {
    name: "a name that does not resolve",
    outcome: retried("dns.failed"),
    start: async () => ({ port: 80, scheme: "http", host: UNKNOWN_HOST, async [Symbol.asyncDispose]() {} }),
  },
  http(
    "a redirect to cloud metadata",
    retried("http.redirect", 302),
    answered(302, { location: "http://169.254.169.254/latest/meta-data/" }),
  ),
  tcp("an endless body", { kind: "accepted" }, (socket) => {
    socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    endlessly(socket, `4000\r\n${"x".repeat(0x4000)}\r\n`);
  }),
  tcp("an endless body of an error", retried("http.status", 500), (socket) => {
    socket.write("HTTP/1.1 500 Oops\r\ntransfer-encoding: chunked\r\n\r\n");
    endlessly(socket, `4000\r\n${"x".repeat(0x4000)}\r\n`);
  }),
  tcp("headers a byte at a time", retried("timeout"), (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nx-slow: ");
    trickle(socket, 50);
  }),
  tcp("a body a byte at a time", { kind: "accepted" }, (socket) => {
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n");
    trickle(socket, 50);
  }),
  tcp("an error's body a byte at a time", retried("http.status", 502), (socket) => {
    socket.write("HTTP/1.1 502 Oops\r\ncontent-length: 10000\r\n\r\n");
    trickle(socket, 50);
  }),
  tcp("no response", retried("timeout"), () => {}),
  http("200 after the timeout", retried("timeout"), (response) => {
    setTimeout(() => response.writeHead(200).end(), 1_500);
  }),
  tcp("endless informational responses", retried("timeout"), (socket) => {
    const timer = setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"), 5);
    socket.once("close", () => clearInterval(timer));
  }),
  http(
    "429 with Retry-After in seconds",
    { kind: "retried", reason: "http.status", status: 429, noEarlierThanMillis: MINUTES_2 },
    answered(429, { "retry-after": "120" }),
  ),
  http(
    "503 with Retry-After as a date",
    { kind: "retried", reason: "http.status", status: 503, noEarlierThanMillis: MINUTES_2 - 2_000 },
    // An HTTP date has whole seconds.
    (response) => answered(503, { "retry-after": new Date(Date.now() + MINUTES_2).toUTCString() })(response),
  ),
  http("503", retried("http.status", 503), answered(503)),
  http("410", { kind: "suspended", reason: "http.gone", status: 410 }, answered(410)),
  tcp("an unknown status", retried("http.status", 999), (socket) =>
    // This endpoint answers one request per connection, and the relay would keep the connection for its retry.
    socket.end("HTTP/1.1 999 X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
  ),
  tcp("NUL in a header", retried("connection.failed"), (socket) =>
    socket.write("HTTP/1.1 200 OK\r\nx-bad: a\0b\r\ncontent-length: 0\r\n\r\n"),
  ),
  tcp("a blank in a header name", retried("connection.failed"), (socket) =>
    socket.write("HTTP/1.1 200 OK\r\nx bad: a\r\ncontent-length: 0\r\n\r\n"),
  ),
  tcp("two lengths", retried("connection.failed"), (socket) =>
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-length: 9\r\n\r\n"),
  ),
  tcp("bytes that are not HTTP", retried("connection.failed"), (socket) =>
    socket.write("SSH-2.0-OpenSSH_9.6\r\n"),
  ),
  tcp("endless bytes that are not HTTP", retried("connection.failed"), (socket) =>
    endlessly(socket, "\xff".repeat(0x4000)),
  ),
  tcp("huge headers", retried("connection.failed"), (socket) => {
    socket.write("HTTP/1.1 200 OK\r\n");
    endlessly(socket, `x-long: ${"a".repeat(0x1000)}\r\n`);
  }),
  tcp("a connection closed without a response", retried("connection.failed"), (socket) => socket.destroy()),
  tcp("a reset in the middle of the headers", retried("connection.failed"), (socket) =>
    socket.write("HTTP/1.1 200 OK\r\nx-half", () => socket.resetAndDestroy()),
  ),
];

async function startSelfSigned(): Promise<BadEndpoint> {
  const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }]);
  return listen(
    createTlsServer({ key, cert }, (_request, response) => void response.end()),
    "https",
  );
}
