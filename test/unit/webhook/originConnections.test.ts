import { describe, expect, it } from "vitest";
import { createOriginConnections } from "../../../shared/webhook/originConnections.ts";
import { buildConnector } from "../../../shared/webhook/undiciParts.mjs";
import { startReceiver } from "./receiver.ts";

const NEVER = new AbortController().signal;
const createConnections = () =>
  createOriginConnections(buildConnector({}), { origins: 2, connectionsPerOrigin: 1 });

async function takeAndGive(connections: ReturnType<typeof createConnections>, origin: string) {
  const clients = connections.of(origin);
  const client = await clients.take(NEVER);
  if (client === undefined) throw new Error("no client was lent");
  clients.give(client);
  return client;
}

describe("the connections of an origin", () => {
  it("are kept while it is used; the longest idle origin is evicted", async () => {
    const connections = createConnections();
    const a = await takeAndGive(connections, "http://a.example.com");
    const b = await takeAndGive(connections, "http://b.example.com");
    expect(await takeAndGive(connections, "http://a.example.com")).toBe(a);
    await takeAndGive(connections, "http://c.example.com");
    expect([a.closed, b.closed]).toEqual([false, true]);
    expect(await takeAndGive(connections, "http://a.example.com")).toBe(a);
    await connections.close();
    expect(a.closed).toBe(true);
  });

  it("are never closed while a connection is lent", async () => {
    const connections = createConnections();
    const clients = connections.of("http://a.example.com");
    const client = await clients.take(NEVER);
    for (const name of ["b", "c", "d", "e"]) await takeAndGive(connections, `http://${name}.example.com`);
    expect(client?.closed).toBe(false);
    if (client !== undefined) clients.give(client);
    for (const name of ["f", "g"]) await takeAndGive(connections, `http://${name}.example.com`);
    expect(client?.closed).toBe(true);
    await connections.close();
  });

  it("are also closed on the network when the origin is evicted", async () => {
    await using receiver = await startReceiver((response) => response.end());
    const connections = createConnections();
    const client = await takeAndGive(connections, `http://127.0.0.1:${receiver.port}`);
    await new Promise<void>((resolve, reject) =>
      client.dispatch(
        { path: "/", method: "POST" },
        {
          onRequestStart: () => {},
          onResponseStart: () => {},
          onResponseData: () => {},
          onResponseEnd: () => resolve(),
          onResponseError: (_controller, error) => reject(error),
        },
      ),
    );
    expect(receiver.sockets[0]?.destroyed).toBe(false);
    for (const name of ["b", "c"]) await takeAndGive(connections, `http://${name}.example.com`);
    await connections.close();
    await expect.poll(() => receiver.sockets[0]?.destroyed).toBe(true);
  });
});
