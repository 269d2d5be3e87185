import { once } from "node:events";
import { createConnection } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { generate } from "selfsigned";
import { expect, it } from "vitest";
import { AmiClient } from "../support/amiClient.ts";
import { eventually } from "../support/eventually.ts";
import { startTestGateway } from "../support/gatewayUnderTest.ts";

async function certificateOf(name: string) {
  const made = await generate([{ name: "commonName", value: name }], { keySize: 2048 });
  return { key: made.private, cert: made.cert };
}

async function open(port: number, ca: string): Promise<{ socket: TLSSocket; received: () => string }> {
  const socket = connect({ port, host: "127.0.0.1", ca, checkServerIdentity: () => undefined });
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  return { socket, received: () => text };
}

it("TLS is ended in the gateway, and a new certificate is for new connections", async () => {
  const [first, second] = [await certificateOf("first"), await certificateOf("second")];
  await using world = await startTestGateway({ listen: { tlsPort: 0, certificate: first } });
  const port = world.gateway.ports.tlsPort ?? 0;
  const client = await open(port, first.cert);
  await eventually("the greeting", () => client.received() === "Asterisk Call Manager/12.0.0\r\n");
  client.socket.write("Action: Login\r\nUsername: ami\r\nSecret: amipass\r\n\r\n");
  await eventually("the login", () => client.received().includes("Fully Booted"));
  world.gateway.useCertificate(second);
  const next = await open(port, second.cert);
  expect(next.socket.getPeerCertificate().subject.CN).toBe("second");
  client.socket.write("Action: Logoff\r\n\r\n");
  await eventually("the answer", () => client.received().endsWith("Thanks for all the fish.\r\n\r\n"));
  await eventually("the end", () => client.socket.destroyed);
  next.socket.destroy();
});

it("a handshake that is not finished has a place of its own, and loses it", async () => {
  const certificate = await certificateOf("only");
  await using world = await startTestGateway({
    listen: { tlsPort: 0, certificate },
    limits: { authLimit: 1, authTimeoutMillis: 300 },
  });
  const port = world.gateway.ports.tlsPort ?? 0;
  const silent = createConnection(port, "127.0.0.1").on("error", () => {});
  await once(silent, "connect");
  const refused = createConnection(port, "127.0.0.1").on("error", () => {});
  await once(refused, "close");
  await once(silent, "close");
  const client = await open(port, certificate.cert);
  await eventually("the greeting", () => client.received() !== "");
  client.socket.destroy();
});

it("a stop does not wait for a handshake that is not finished", async () => {
  const certificate = await certificateOf("only");
  const world = await startTestGateway({ listen: { tlsPort: 0, certificate } });
  const silent = createConnection(world.gateway.ports.tlsPort ?? 0, "127.0.0.1").on("error", () => {});
  const closed = once(silent, "close");
  await once(silent, "connect");
  using client = await AmiClient.login(world.port);
  await world.gateway.stop();
  await closed;
  await client.closed();
});
