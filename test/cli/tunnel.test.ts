import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from "node:tls";
import { generate } from "selfsigned";
import { describe, expect, it } from "vitest";
import { startTunnel, type TunnelOptions } from "../../cli/tunnel.ts";
import { readAddress } from "../../cli/tunnelAddress.ts";
import { eventually } from "../support/eventually.ts";

const certificate = await generate([{ name: "commonName", value: "ami.test" }], {
  extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "ami.test" }] }],
});
const ca = Buffer.from(certificate.cert);

/** A gateway's connections that end when the other side does. */
const ENDS: TlsOptions = { allowHalfOpen: false };

/** A gateway that does with each connection what the test says. */
async function gateway(serve: (socket: TLSSocket) => void, options: TlsOptions = {}) {
  const sockets = new Set<TLSSocket>();
  const server = createTlsServer(
    { key: certificate.private, cert: certificate.cert, allowHalfOpen: true, ...options },
    (socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      serve(socket);
    },
  );
  server.on("tlsClientError", () => {});
  // Those of handshakes that fail, too.
  const connections = new Set<Socket>();
  server.on("connection", (connection: Socket) => connections.add(connection));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    sockets,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of [...sockets, ...connections]) socket.destroy();
      await closed;
    },
  };
}

async function tunnelTo(port: number, more: Partial<TunnelOptions> = {}) {
  const said: string[] = [];
  const tunnel = await startTunnel({
    to: { host: "127.0.0.1", port },
    listen: { host: "127.0.0.1", port: 0 },
    ca,
    serverName: "ami.test",
    mostConnections: 10,
    say: (line) => void said.push(line),
    ...more,
  });
  return { ...tunnel, said, [Symbol.asyncDispose]: () => tunnel.close() };
}

async function client(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** Waits for a client's end, and reads what is left. */
async function untilClosed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await once(socket, "close");
}

describe("the tunnel", () => {
  it("passes bytes unchanged in both directions, and names the gateway in its handshake", async () => {
    await using server = await gateway((socket) => {
      socket.write("Asterisk Call Manager/12.0.0\r\n");
      socket.pipe(socket);
    });
    await using tunnel = await tunnelTo(server.port);
    const socket = await client(tunnel.port);
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 256));
    socket.end(bytes);
    expect(
      (await buffer(socket)).equals(Buffer.concat([Buffer.from("Asterisk Call Manager/12.0.0\r\n"), bytes])),
    ).toBe(true);
    expect([...server.sockets].map((each) => each.servername)).toEqual(["ami.test"]);
    expect(tunnel.said).toEqual([]);
  });

  it("passes each side's end on by itself: a client that has ended still gets its answer", async () => {
    await using server = await gateway((socket) => {
      socket.resume();
      socket.once("end", () => socket.end("Response: Goodbye\r\n\r\n"));
    });
    await using tunnel = await tunnelTo(server.port);
    const socket = await client(tunnel.port);
    socket.end("Action: Logoff\r\n\r\n");
    expect((await buffer(socket)).toString()).toBe("Response: Goodbye\r\n\r\n");
  });

  it("ends both sides when the gateway ends, and when the client disappears", async () => {
    await using server = await gateway((socket) => socket.once("data", () => socket.end("bye")), ENDS);
    await using tunnel = await tunnelTo(server.port);
    const first = await client(tunnel.port);
    first.write("x");
    expect((await buffer(first)).toString()).toBe("bye");
    first.destroy();
    const second = await client(tunnel.port);
    await eventually("the second connection", () => server.sockets.size === 2);
    second.resetAndDestroy();
    await eventually("the end of both", () => [...server.sockets].every(({ destroyed }) => destroyed));
  });

  it("stops reading from a gateway whose client does not read, and goes on when it does", async () => {
    let written = 0;
    const chunk = Buffer.alloc(64 * 1024, "x");
    const total = 512;
    await using server = await gateway((socket) => {
      const write = () => {
        while (written < total) {
          written += 1;
          if (!socket.write(chunk)) return void socket.once("drain", write);
        }
        socket.end();
      };
      write();
    });
    await using tunnel = await tunnelTo(server.port);
    const socket = await client(tunnel.port);
    socket.pause();
    let before = -1;
    await eventually("a standstill", () => {
      const still = written > 0 && written === before;
      before = written;
      return still;
    });
    expect(written).toBeLessThan(total);
    expect((await buffer(socket)).length).toBe(total * chunk.length);
  });

  it("turns clients away beyond its limit, and says so", async () => {
    await using server = await gateway((socket) => void socket.resume().write("hello"), ENDS);
    await using tunnel = await tunnelTo(server.port, { mostConnections: 1 });
    const first = await client(tunnel.port);
    await once(first, "data");
    await untilClosed(await client(tunnel.port));
    expect(tunnel.said).toEqual(["a client was turned away: 1 are connected already"]);
    expect(server.sockets.size).toBe(1);
    first.destroy();
  });

  it("gives a client what the gateway has written before it closes", async () => {
    const bytes = Buffer.alloc(4 * 1024 * 1024, "x");
    await using server = await gateway((socket) => {
      socket.resume();
      socket.write(bytes);
      socket.once("end", () => socket.end("bye"));
    });
    const tunnel = await tunnelTo(server.port);
    const socket = await client(tunnel.port);
    await once(socket, "readable");
    const closed = tunnel.close();
    const received = await buffer(socket);
    expect(received.length).toBe(bytes.length + 3);
    expect(received.subarray(-3).toString()).toBe("bye");
    await closed;
  });

  it("leaves nothing open when it is closed", async () => {
    await using server = await gateway((socket) => void socket.resume().write("hello"), ENDS);
    const tunnel = await tunnelTo(server.port);
    const socket = await client(tunnel.port);
    await once(socket, "data");
    await tunnel.close();
    await untilClosed(socket);
    await eventually("the gateway's end", () => [...server.sockets].every(({ destroyed }) => destroyed));
  });
});

describe("a connection that fails", () => {
  it.each([
    ["self-signed", { ca: undefined }, /self-signed.*--ca FILE trusts it/],
    ["another name", { serverName: "other.test" }, /another name.*--server-name/],
    ["the address", { serverName: "127.0.0.1" }, /another name.*--server-name/],
  ] as const)("because of the certificate ends the client, and is explained: %s", async (_, more, line) => {
    await using server = await gateway(() => {});
    await using tunnel = await tunnelTo(server.port, more);
    const socket = await client(tunnel.port);
    socket.write("Action: Login\r\nSecret: never-sent\r\n\r\n");
    await untilClosed(socket);
    expect(tunnel.said).toHaveLength(1);
    expect(tunnel.said[0]).toMatch(line);
  });

  it("because nobody listens is explained, once for all clients that try again", async () => {
    const nobody = createServer();
    nobody.listen(0, "127.0.0.1");
    await once(nobody, "listening");
    const { port } = nobody.address() as AddressInfo;
    nobody.close();
    await using tunnel = await tunnelTo(port);
    for (let attempt = 0; attempt < 3; attempt += 1) await untilClosed(await client(tunnel.port));
    expect(tunnel.said).toEqual([
      `127.0.0.1:${port}: nobody listens there; is the port right? (ECONNREFUSED)`,
    ]);
  });

  it("because the other side speaks no TLS is explained", async () => {
    const plain = createServer((socket) => {
      socket.on("error", () => {});
      socket.end("Asterisk Call Manager/12.0.0\r\n");
    });
    plain.listen(0, "127.0.0.1");
    await once(plain, "listening");
    await using tunnel = await tunnelTo((plain.address() as AddressInfo).port);
    await untilClosed(await client(tunnel.port));
    expect(tunnel.said[0]).toMatch(/speak.* TLS at this port/);
    plain.close();
  });
});

describe("an address", () => {
  it.each([
    ["ami.example.com", { host: "ami.example.com", port: 5039 }],
    ["192.0.2.7:40", { host: "192.0.2.7", port: 40 }],
    ["[2001:db8::7]:40", { host: "2001:db8::7", port: 40 }],
    ["[::1]", { host: "::1", port: 5039 }],
    ["", undefined],
    [":5039", undefined],
    ["host:", undefined],
    ["host:65536", undefined],
    ["host:port", undefined],
    ["2001:db8::7", undefined],
    ["https://host", undefined],
    ["user@host", undefined],
  ])("%s is read as %o", (text, expected) => {
    expect(readAddress(text, 5039)).toEqual(expected);
  });
});
