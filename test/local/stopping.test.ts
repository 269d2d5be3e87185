import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { describe, expect, it } from "vitest";
import { freePort } from "../../local/freePort.ts";
import { RelayProcess } from "../support/relayProcess.ts";
import { until } from "./support/until.ts";

/** An endpoint that takes every request and answers none. */
async function hangingEndpoint() {
  let requests = 0;
  const server = createServer(() => {
    requests += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests: () => requests,
    [Symbol.dispose]: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function post(url: string, path: string, body: object): Promise<void> {
  const headers = { authorization: "Bearer local", "content-type": "application/json" };
  const response = await fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  expect(response.ok).toBe(true);
}

/** A relay that is in the middle of a request to an endpoint that never answers. */
async function delivering(endpoint: Awaited<ReturnType<typeof hangingEndpoint>>): Promise<RelayProcess> {
  const relay = await RelayProcess.start(await freePort(), {});
  await post(relay.client.url, "/v1/sessions", { feed: "f", kind: "webhook", url: endpoint.url });
  await post(relay.client.url, "/v1/feeds/f/events", [{ type: "ChannelCreated" }]);
  // It takes up to 15 seconds.
  await until(() => endpoint.requests() >= 1, "a request in flight");
  return relay;
}

describe("stopping", () => {
  it("ends within ten seconds although an endpoint hangs, and says what it waits for", async () => {
    using endpoint = await hangingEndpoint();
    await using relay = await delivering(endpoint);
    const startedAt = performance.now();
    expect(await relay.end("SIGTERM")).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(relay.output).toMatch(/waiting for deliveries in flight; press Ctrl-C again to stop at once/);
  }, 60_000);

  it("ends within ten seconds although a request is never finished", async () => {
    await using relay = await RelayProcess.start(await freePort(), {});
    const socket = connect(Number(new URL(relay.client.url).port), "127.0.0.1");
    socket.on("error", () => {});
    const key = "Authorization: Bearer local";
    socket.write(
      `POST /v1/feeds/f/events HTTP/1.1\r\nHost: 127.0.0.1\r\n${key}\r\nContent-Length: 9\r\n\r\n[`,
    );
    await once(socket, "connect");
    // Whatever was sent before on another connection has been received.
    await post(relay.client.url, "/v1/feeds/f/events", [{ type: "ChannelCreated" }]);
    const startedAt = performance.now();
    expect(await relay.end("SIGINT")).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(relay.output).toMatch(/waiting for HTTP requests in flight/);
    socket.destroy();
  }, 60_000);

  it("ends at once on a second signal", async () => {
    using endpoint = await hangingEndpoint();
    await using relay = await delivering(endpoint);
    const ended = relay.end("SIGINT");
    await until(() => relay.output.includes("stopping"), "the first signal is noticed");
    process.kill(relay.processId, "SIGINT");
    const secondAt = performance.now();
    expect(await ended).toBe(130);
    expect(performance.now() - secondAt).toBeLessThan(1_000);
  }, 60_000);
});
