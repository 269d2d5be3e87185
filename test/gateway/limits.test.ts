import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../shared/runtime/clock.ts";
import { AmiClient } from "../support/amiClient.ts";
import { eventually } from "../support/eventually.ts";
import { amiUser, startTestGateway } from "../support/gatewayUnderTest.ts";

describe("a connection that does not log in", () => {
  it("is closed without a word after the time for it", async () => {
    await using world = await startTestGateway({ limits: { authTimeoutMillis: 150 } });
    using client = await AmiClient.connect(world.port);
    await client.closed();
    expect(client.received).toBe("Asterisk Call Manager/12.0.0\r\n");
  });

  it("has no place when too many wait, and gets no greeting; those who are in stay", async () => {
    await using world = await startTestGateway({ limits: { authLimit: 3 } });
    using logged = await AmiClient.login(world.port);
    const waiting = await Promise.all([1, 2, 3].map(() => AmiClient.connect(world.port)));
    await Promise.all(waiting.map((client) => client.take("\r\n")));
    using refused = await AmiClient.connect(world.port);
    await refused.closed();
    expect(refused.received).toBe("");
    expect(await logged.ask("Action: Ping")).toContain("FullyBooted");
    for (const client of waiting) client[Symbol.dispose]();
    await eventually("their places are free", () => world.gateway.connections === 1);
    using next = await AmiClient.login(world.port);
    expect(next.isClosed).toBe(false);
  });

  it("from one address cannot take all places", async () => {
    await using world = await startTestGateway({ limits: { authLimitPerAddress: 2 } });
    const waiting = await Promise.all([1, 2].map(() => AmiClient.connect(world.port)));
    await Promise.all(waiting.map((client) => client.take("\r\n")));
    using refused = await AmiClient.connect(world.port);
    await refused.closed();
    for (const client of waiting) client[Symbol.dispose]();
  });
});

describe("logins", () => {
  it("with a wrong secret fail one second later, and the secret is not in the log", async () => {
    await using world = await startTestGateway({ limits: { failureDelayMillis: 300 } });
    using client = await AmiClient.connect(world.port);
    await client.take("\r\n");
    const begun = performance.now();
    expect(await client.ask("Action: Login\r\nUsername: ami\r\nSecret: hush-hush")).toBe(
      "Response: Error\r\nMessage: Authentication failed\r\n\r\n",
    );
    expect(performance.now() - begun).toBeGreaterThan(290);
    await client.closed();
    expect(JSON.stringify(world.logged)).toContain("an AMI login failed");
    expect(JSON.stringify(world.logged)).not.toContain("hush-hush");
  });

  it("beyond the rate fail, even with the right secret", async () => {
    await using world = await startTestGateway({ limits: { loginsPerMinute: 3 } });
    for (let count = 0; count < 3; count += 1) (await AmiClient.login(world.port))[Symbol.dispose]();
    using client = await AmiClient.connect(world.port);
    await client.take("\r\n");
    expect(await client.ask("Action: Login\r\nUsername: ami\r\nSecret: amipass")).toContain(
      "Authentication failed",
    );
  });

  it("of a user with too many connections fail; other users log in", async () => {
    await using world = await startTestGateway({
      users: [amiUser(), amiUser({ username: "other" })],
      limits: { connectionsPerUser: 2 },
    });
    const held = [await AmiClient.login(world.port), await AmiClient.login(world.port)];
    using client = await AmiClient.connect(world.port);
    await client.take("\r\n");
    expect(await client.ask("Action: Login\r\nUsername: ami\r\nSecret: amipass")).toContain(
      "Authentication failed",
    );
    using other = await AmiClient.login(world.port, "other");
    expect(other.isClosed).toBe(false);
    for (const each of held) each[Symbol.dispose]();
  });

  it("of a user who is logged in are refused, if the user is to have one connection only", async () => {
    await using world = await startTestGateway({ users: [amiUser({ multipleLogin: "refuse" })] });
    using first = await AmiClient.login(world.port);
    using second = await AmiClient.connect(world.port);
    await second.take("\r\n");
    expect(await second.ask("Action: Login\r\nUsername: ami\r\nSecret: amipass")).toBe(
      "Response: Error\r\nMessage: Login Already In Use\r\n\r\n",
    );
    await second.closed();
    expect(await first.ask("Action: Ping")).toContain("FullyBooted");
    first[Symbol.dispose]();
    await eventually("the first is gone", () => world.gateway.connections === 0);
    using third = await AmiClient.login(world.port);
    expect(third.isClosed).toBe(false);
  });

  it("end without an answer when the users cannot be read, so that the client tries again", async () => {
    await using world = await startTestGateway();
    world.users.get = () => {
      throw new Error("the table does not answer");
    };
    using client = await AmiClient.connect(world.port);
    await client.take("\r\n");
    client.send("Action: Login\r\nUsername: ami\r\nSecret: amipass\r\n\r\n");
    await client.closed();
    expect(client.received).toBe("");
  });
});

describe("floods", () => {
  it("of requests are slowed down, and no answer is lost", async () => {
    await using world = await startTestGateway({ limits: { requestsPerSecond: 100 } });
    using client = await AmiClient.login(world.port, "ami", "Events: off\r\n");
    const begun = performance.now();
    for (let id = 1; id <= 560; id += 1) client.send(`Action: Ping\r\nActionID: ${id}\r\n\r\n`);
    const answers = await client.take("ActionID: 560\r\n");
    const ids = [...answers.matchAll(/ActionID: (\d+)/g)].map(([, id]) => Number(id));
    expect(ids).toEqual(Array.from({ length: 560 }, (_, index) => index + 1));
    // A burst of 500 is free; the rest comes at the rate.
    expect(performance.now() - begun).toBeGreaterThan(500);
  });

  it("of answers that nobody reads stop the reading of requests", async () => {
    await using world = await startTestGateway({ limits: { requestsPerSecond: 1_000_000 } });
    using client = await AmiClient.login(world.port, "ami", "Events: off\r\n");
    client.socket.pause();
    const request = `Action: ListCommands\r\nX: ${"x".repeat(1_000)}\r\n\r\n`.repeat(1_000);
    for (let count = 0; count < 40; count += 1) client.send(request);
    await eventually("the client cannot send any more", () => client.socket.writableLength > 10_000_000);
    using other = await AmiClient.login(world.port);
    expect(await other.take("Fully Booted")).toContain("FullyBooted");
    // The rest of the requests stays with the client.
    expect(client.socket.writableLength).toBeGreaterThan(10_000_000);
  });

  it("of bytes without sense disturb nobody else", async () => {
    await using world = await startTestGateway();
    using client = await AmiClient.login(world.port, "ami", "Events: off\r\n");
    const noisy = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = connect(world.port, "127.0.0.1").on("error", () => {});
        await once(socket, "connect");
        for (let count = 0; count < 50; count += 1) socket.write(randomBytes(4_096));
        return socket;
      }),
    );
    expect(await client.ask("Action: Ping\r\nActionID: 1")).toContain("Ping: Pong");
    for (const socket of noisy) socket.destroy();
    await eventually("they are gone", () => world.gateway.connections === 1);
  });
});

describe("AMI over HTTP", () => {
  const challenge = (world: { httpPort: number }) =>
    fetch(`http://127.0.0.1:${world.httpPort}/rawman?action=challenge&authtype=md5`);

  it("gives one address a bounded number of connections", async () => {
    await using world = await startTestGateway({ limits: { httpConnectionsPerAddress: 2 } });
    const held = await Promise.all(
      [1, 2].map(async () => {
        const socket = connect(world.httpPort, "127.0.0.1");
        await once(socket, "connect");
        return socket;
      }),
    );
    await expect(challenge(world)).rejects.toThrow("fetch failed");
    for (const socket of held) socket.destroy();
    await eventually("a place is free", async () => (await challenge(world).catch(() => undefined))?.ok);
  });

  it("keeps a bounded number of sessions without a login for one address; users still log in", async () => {
    await using world = await startTestGateway({ limits: { authLimitPerAddress: 3, connections: 4 } });
    const cookies = [];
    for (let count = 0; count < 10; count += 1)
      cookies.push((await challenge(world)).headers.get("set-cookie")?.split(";")[0] ?? "");
    const login = await fetch(
      `http://127.0.0.1:${world.httpPort}/rawman?action=login&username=ami&secret=amipass`,
    );
    const cookie = login.headers.get("set-cookie")?.split(";")[0] ?? "";
    const ping = await fetch(`http://127.0.0.1:${world.httpPort}/rawman?action=ping`, {
      headers: { cookie },
    });
    expect(await ping.text()).toContain("Pong");
  });
});

it("a stop that drains ends the connections one after the other, and serves those that are left", async () => {
  const world = await startTestGateway();
  const clients = await Promise.all(Array.from({ length: 5 }, () => AmiClient.login(world.port)));
  const ends: number[] = [];
  const begun = performance.now();
  for (const { socket } of clients) socket.once("close", () => ends.push(performance.now() - begun));
  const stopped = world.gateway.stop(1_000);
  await eventually("the first end", () => ends.length === 1);
  const last = clients.at(-1);
  expect(await last?.ask("Action: Ping")).toContain("FullyBooted");
  await stopped;
  await eventually("all ends", () => ends.length === 5);
  for (const [index, end] of ends.entries()) expect(end).toBeGreaterThanOrEqual(200 * index - 5);
});

it("a stop that drains does not take longer when the clock is set back meanwhile", async () => {
  let behindMillis = 0;
  const clock = { ...systemClock, nowEpochMillis: () => Date.now() - behindMillis };
  const world = await startTestGateway({ clock });
  const clients = await Promise.all(Array.from({ length: 3 }, () => AmiClient.login(world.port)));
  let ended = 0;
  for (const { socket } of clients) socket.once("close", () => (ended += 1));
  const begun = performance.now();
  const stopped = world.gateway.stop(600);
  await eventually("the first end", () => ended === 1);
  behindMillis = 3_600_000;
  await stopped;
  expect(performance.now() - begun).toBeLessThan(5_000);
});

it("a request with SuppressEvents does not make the events of a login come earlier", async () => {
  await using world = await startTestGateway({ limits: { loginHoldMillis: 300 } });
  using patient = await AmiClient.login(world.port);
  const begun = performance.now();
  patient.send("Action: Ping\r\nSuppressEvents: yes\r\n\r\n");
  expect(await patient.take("Fully Booted")).toMatch(/^Response: Success\r\nPing: Pong\r\n/);
  expect(performance.now() - begun).toBeGreaterThan(250);
});

it("a stop closes every connection after whole messages, and its ports", async () => {
  const world = await startTestGateway();
  using client = await AmiClient.login(world.port);
  await client.take("Fully Booted\r\n\r\n");
  await world.gateway.stop();
  await client.closed();
  await expect(AmiClient.connect(world.port)).rejects.toThrow("ECONNREFUSED");
});
