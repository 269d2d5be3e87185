import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRelay } from "../../local/relay.ts";
import { TestRelay } from "../support/testRelay.ts";
import { until } from "./support/until.ts";

let relay: TestRelay;
let port: number;

beforeAll(async () => {
  relay = await TestRelay.start({ RELAY_ALLOWED_HOSTS: "relay.example" });
  port = Number(new URL(relay.relay.url).port);
});

afterAll(() => relay[Symbol.asyncDispose]());

/** Sends a request byte by byte, and resolves with the status of the answer. */
function statusOf(...lines: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () =>
      socket.write(`${lines.join("\r\n")}\r\nConnection: close\r\n\r\n`),
    );
    let answer = "";
    socket.on("data", (data) => {
      answer += data;
    });
    socket.once("end", () => resolve(Number(/^HTTP\/1.1 (\d{3})/.exec(answer)?.[1])));
    socket.once("error", reject);
  });
}

const KEY = "Authorization: Bearer local";
const listed = (host: string, target = "/v1/sessions") =>
  statusOf(`GET ${target} HTTP/1.1`, `Host: ${host}`, KEY);

describe("a request's host", () => {
  it.each([
    "127.0.0.1",
    "127.0.0.1:8080",
    "127.8.8.8",
    "localhost",
    "LocalHost:1",
    "localhost.",
    "localhost.:8080",
    "tools.localhost",
    "[::1]",
    "[::1]:8080",
    "[0:0:0:0:0:0:0:1]:8080",
    "relay.example",
    "Relay.Example.:80",
  ])("may be %s", async (host) => expect(await listed(host)).toBe(200));

  it.each([
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "evil.example.",
    "127.0.0.1.evil.example",
    "relay.example.evil",
    "10.0.0.1",
    "[2001:db8::1]",
    "evil",
    "user@localhost",
    "127.0.0.1:65536",
    "127.1",
    "0x7f000001",
    "",
  ])("may not be %j: a name that was rebound to this machine", async (host) =>
    expect(await listed(host)).toBe(421),
  );

  it("is the target's when the target has one, whatever the Host header says", async () => {
    expect(await listed("evil.example", "http://127.0.0.1/v1/sessions")).toBe(200);
    expect(await listed("evil.example", "HTTP://LOCALHOST:80/v1/sessions?limit=1")).toBe(200);
    expect(await listed("127.0.0.1", "http://evil.example/v1/sessions")).toBe(421);
    expect(await listed("127.0.0.1", "http://127.0.0.1@evil.example/v1/sessions")).toBe(421);
  });

  it("matters to no one who only asks whether the relay runs, through a proxy as well", async () => {
    const health = (target: string) => statusOf(`GET ${target} HTTP/1.1`, "Host: relay.example");
    expect(await health("http://relay.example/v1/health")).toBe(200);
    expect(await health("http://other.example:8080/v1/openapi.json?x")).toBe(200);
  });

  it("may be missing in HTTP/1.0, which no browser speaks", async () => {
    expect(await statusOf("GET /v1/sessions HTTP/1.0", KEY)).toBe(200);
  });

  it("is refused in a target that is neither path nor URL", async () => {
    expect(await listed("127.0.0.1", "v1/sessions")).toBe(400);
    expect(await statusOf("OPTIONS * HTTP/1.1", "Host: 127.0.0.1", KEY)).toBe(400);
  });
});

describe("a page in a browser", () => {
  const withOrigin = (origin: string) =>
    statusOf("GET /v1/sessions HTTP/1.1", "Host: 127.0.0.1", KEY, `Origin: ${origin}`);

  it("of another origin is refused", async () => {
    for (const origin of ["http://evil.example", "null", "file://", "http://localhost.evil.example", "x"])
      expect(await withOrigin(origin)).toBe(403);
  });

  it("that the machine itself serves is not", async () => {
    expect(await withOrigin(`http://localhost:${port}`)).toBe(200);
  });
});

describe("the key", () => {
  it("is asked for before a body is received", async () => {
    const wrong = ["Authorization: Bearer wrong", "Authorization: Basic local", "X-Other: none"];
    for (const header of wrong) {
      const unfinished = ["POST /v1/feeds/f/events HTTP/1.1", "Host: 127.0.0.1", "Content-Length: 9000000"];
      expect(await statusOf(...unfinished, header, "Content-Type: application/json")).toBe(401);
      expect(await statusOf(...unfinished, header, "Expect: 100-continue")).toBe(401);
    }
  });

  it("of everybody opens the relay to this machine alone", async () => {
    for (const HOST of ["0.0.0.0", "::", "192.0.2.1", "relay.example"])
      for (const key of [{}, { RELAY_API_KEY: "local" }])
        await expect(startRelay({ environment: { HOST, ...key }, port: 0 })).rejects.toThrow(/RELAY_API_KEY/);
  });

  it("must be one that a header can carry", async () => {
    for (const RELAY_API_KEY of ["two words", "tab\t", "schlüssel"])
      await expect(startRelay({ environment: { RELAY_API_KEY }, port: 0 })).rejects.toThrow(/RELAY_API_KEY/);
  });
});

describe("many unfinished bodies", () => {
  it("with the key take bounded memory, and a small request is answered meanwhile", async () => {
    const megabyte = Buffer.alloc(1024 * 1024, "x");
    let closed = 0;
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(
          `POST /v1/feeds/f/events HTTP/1.1\r\nHost: 127.0.0.1\r\n${KEY}\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\n\r\n`,
        );
        for (let sent = 0; sent < 9; sent += 1) socket.write(megabyte);
      });
      socket.on("error", () => {});
      socket.once("close", () => {
        closed += 1;
      });
      return socket.resume();
    });
    // 64 MiB hold seven of them.
    await until(() => closed >= 13, "the largest are given up");
    expect(await relay.append("small", [{ type: "ChannelCreated" }])).toMatchObject({ accepted: 1 });
    for (const socket of sockets) socket.destroy();
  });
});
