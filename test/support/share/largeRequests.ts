import { once } from "node:events";
import { connect } from "node:net";
import fc from "fast-check";
import { FEED, largeInput, settled } from "./largeInput.ts";

/** Requests of about `size` characters, each large in another place. */
const shapes: Readonly<Record<string, (size: number, key: string) => string>> = {
  "many headers": (size, key) => get("/v1/sessions", key, "x: y\r\n".repeat(size / 6)),
  "one header": (size, key) => get("/v1/sessions", key, `x: ${"y".repeat(size)}\r\n`),
  "an endless header": (size) => `GET / HTTP/1.1\r\nx: ${"y".repeat(size)}`,
  "a long key": (size) => get("/v1/sessions", "k".repeat(size)),
  "a long path": (size, key) => get(`/v1/${"x".repeat(size)}`, key),
  "many path parts": (size, key) => get("/v1".repeat(size / 3), key),
  "a long query": (size, key) => get(`/v1/sessions?after=${"x".repeat(size)}`, key),
  "many query parameters": (size, key) => get(`/v1/sessions?${"limit=1&".repeat(size / 8)}`, key),
  "escapes in a query": (size, key) => get(`/v1/sessions?after=${"%25".repeat(size / 3)}`, key),
  "a long producer": (size, key) => get(`/v1/feeds/${FEED}`, key, `relay-producer: ${"p".repeat(size)}\r\n`),
  "many cookies": (size, key) => get("/v1/sessions", key, `cookie: ${"a=b; ".repeat(size / 5)}\r\n`),
  "many requests on a connection": (size, key) => get("/v1/health", key).repeat(Math.min(2000, size / 100)),
  "a body that never comes": (_size, key) =>
    `POST /v1/feeds/${FEED}/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\ncontent-length: 1000000\r\n\r\n[`,
  "tiny chunks": (size, key) =>
    `POST /v1/feeds/${FEED}/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${"1\r\n[\r\n".repeat(size / 6)}0\r\n\r\n`,
  "chunk extensions": (size, key) =>
    `POST /v1/feeds/${FEED}/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1;${"x".repeat(size)}\r\n[\r\n`,
  "bytes that are not HTTP": (size) => "\u0000".repeat(size),
};

function get(target: string, key: string, headers = ""): string {
  return `GET ${target} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\n${headers}\r\n`;
}

const WAIT_MILLIS = 2_000;

/** Many connections that send one large request each. */
export const largeRequests = fc
  .record({
    shape: fc.constantFrom(...Object.keys(shapes)),
    size: fc.constantFrom(1000, 15_000, 100_000, 5_000_000),
    connections: fc.constantFrom(1, 20, 200),
  })
  // Otherwise the test would be the one that takes the machine.
  .filter(({ size, connections }) => size * connections <= 20_000_000)
  .map((facts) =>
    largeInput("requests", facts, () => {
      const text = (key: string) => shapes[facts.shape]?.(facts.size, key) ?? "";
      return (relay) =>
        settled(
          Array.from({ length: facts.connections }, () => sendRaw(new URL(relay.url), text(relay.apiKey))),
        );
    }),
  );

/** Many small calls at once. */
export const manyCalls = fc
  .record({
    path: fc.constantFrom(
      "/",
      "/v1/openapi.json",
      "/v1/sessions",
      `/v1/feeds/${FEED}`,
      "/v1/unknown",
      "/v1/feeds/x/messages",
    ),
    calls: fc.integer({ min: 1, max: 300 }),
    hasKey: fc.boolean(),
  })
  .map((facts) =>
    largeInput("calls", facts, () => (relay) => {
      const key = facts.hasKey ? relay.apiKey : null;
      return settled(Array.from({ length: facts.calls }, () => relay.call("GET", facts.path, { key })));
    }),
  );

/** Sends bytes for as long as they are taken, and waits for the end of the connection for a while. */
async function sendRaw({ hostname, port }: URL, text: string): Promise<void> {
  const socket = connect(Number(port), hostname)
    .on("error", () => {})
    .resume();
  socket.setTimeout(WAIT_MILLIS, () => socket.destroy());
  socket.write(text, "latin1");
  const giveUp = setTimeout(() => socket.destroy(), 2 * WAIT_MILLIS);
  await once(socket, "close");
  clearTimeout(giveUp);
}
