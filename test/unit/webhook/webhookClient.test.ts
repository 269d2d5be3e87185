import type { Socket } from "node:net";
import { Webhook } from "standardwebhooks";
import { afterEach, describe, expect, it, vi } from "vitest";
import packageJson from "../../../package.json" with { type: "json" };
import { type AddressGuard, createAddressGuard } from "../../../shared/webhook/addressGuard.ts";
import type { ResolveHost } from "../../../shared/webhook/guardedConnector.ts";
import { createWebhookClient, type WebhookClient } from "../../../shared/webhook/webhookClient.ts";
import { plainBody } from "../../support/webhookBodies.ts";
import { type Receiver, startReceiver, startTcpReceiver } from "./receiver.ts";

const SECRET = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;
const OLD_SECRET = `whsec_${Buffer.alloc(32, 2).toString("base64")}`;
const NOW = Date.UTC(2026, 4, 1);
const LOOPBACK = createAddressGuard(["127.0.0.0/8"]);

const clients: WebhookClient[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

function createClient(
  options: {
    guard?: AddressGuard;
    requestTimeoutMillis?: number;
    answerBodyMillis?: number;
    lookup?: ResolveHost;
  } = {},
): WebhookClient {
  const client = createWebhookClient({
    guard: LOOPBACK,
    requestTimeoutMillis: 5_000,
    clock: { nowEpochMillis: () => NOW, sleep: async () => {} },
    ...options,
  });
  clients.push(client);
  return client;
}

const post = (client: WebhookClient, url: string, more: Partial<Parameters<WebhookClient["post"]>[0]> = {}) =>
  client.post({
    url,
    id: "batch-1",
    body: plainBody('{"a":1}'),
    secrets: [SECRET],
    timestampEpochMillis: Date.now(),
    ...more,
  });

const closed = (socket: Socket | undefined) => {
  if (socket === undefined) throw new Error("no connection was made");
  // Not events.once: it rejects on "error", with which some of these connections end.
  return new Promise<void>((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once("close", () => resolve());
  });
};

describe("an accepted request", () => {
  it("is one POST of the body with the headers that a receiver's library verifies", async () => {
    await using receiver = await startReceiver((response) => response.writeHead(204).end());
    const body = JSON.stringify({ messages: ["Grüße", "🎉"] });
    const outcome = await post(createClient(), receiver.url, {
      body: plainBody(body),
      secrets: [SECRET, OLD_SECRET],
    });

    expect(outcome).toEqual({ kind: "accepted", status: 204, durationMillis: expect.any(Number) });
    expect(receiver.requests).toHaveLength(1);
    const [request] = receiver.requests;
    expect(request).toMatchObject({ method: "POST", path: "/hook?a=b", body });
    expect(request?.headers).toMatchObject({
      "content-type": "application/json",
      "user-agent": `stasis-relay/${packageJson.version}`,
      "webhook-id": "batch-1",
      host: `127.0.0.1:${receiver.port}`,
    });
    const headers = request?.headers as Record<string, string>;
    for (const secret of [SECRET, OLD_SECRET])
      expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
  });

  it.each([200, 201, 202, 299])("may have status %i", async (status) => {
    await using receiver = await startReceiver((response) => response.writeHead(status).end("fine"));
    expect(await post(createClient(), receiver.url)).toMatchObject({ kind: "accepted", status });
  });

  it("may have informational responses first", async () => {
    await using receiver = await startReceiver((response) => {
      response.writeProcessing();
      response.writeEarlyHints({ link: "</a>; rel=preload" });
      response.writeHead(200).end();
    });
    expect(await post(createClient(), receiver.url)).toMatchObject({ kind: "accepted", status: 200 });
  });

  it("may be preceded by any number of informational answers of any kind, however they arrive", async () => {
    const interim = [
      "HTTP/1.1 100 Continue\r\n\r\n",
      "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n",
      "HTTP/1.1 100 Continue\r\nserver: old\r\n\r\n",
      "HTTP/1.1 199 Of no kind\r\n\r\n",
      "HTTP/1.0 100\r\n\r\n",
    ].join("");
    const answer = `${interim}HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\nHTTP/1.1 100 Continue\r\n`;
    let requests = 0;
    await using receiver = await startTcpReceiver((socket) => {
      socket.setNoDelay(true);
      socket.on("data", async (chunk) => {
        if (!String(chunk).endsWith("}")) return;
        requests += 1;
        // Whole at first, then in two pieces, cut at each place in turn.
        const cut = requests % answer.length;
        socket.write(answer.slice(0, cut));
        await new Promise((resolve) => setImmediate(resolve));
        socket.write(answer.slice(cut));
      });
    });
    const client = createClient();
    for (let count = 0; count < answer.length; count += 1)
      expect(await post(client, receiver.url)).toMatchObject({ kind: "accepted", status: 200 });
    expect(receiver.sockets).toHaveLength(1);
  });

  it.each([
    [
      "a switch of protocols that was not asked for",
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
    ],
    ["more interim answers than anyone sends", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(3000)],
    ["a head of interim answers that never ends", `HTTP/1.1 100 Continue\r\nx: ${"y".repeat(20_000)}`],
    ["something else than HTTP", "HTTP/1.1 1OO Continue\r\n\r\n"],
  ])("fails when the answer is %s", async (_what, answer) => {
    await using receiver = await startTcpReceiver((socket) => socket.on("data", () => socket.write(answer)));
    expect(await post(createClient(), receiver.url)).toMatchObject({
      kind: "failed",
      reason: "connection.failed",
    });
  });

  it("leaves its connection to later requests, also to concurrent ones", async () => {
    await using receiver = await startReceiver((response) => response.end("ok"));
    const client = createClient();
    for (let i = 0; i < 5; i += 1) await post(client, receiver.url);
    expect(receiver.sockets).toHaveLength(1);

    const outcomes = await Promise.all(Array.from({ length: 100 }, () => post(client, receiver.url)));
    expect(outcomes.every(({ kind }) => kind === "accepted")).toBe(true);
    expect(receiver.sockets.length).toBeLessThanOrEqual(32);
    expect(receiver.sockets.length).toBeGreaterThan(1);
  });

  it("does not wait for a body that never ends, and closes its connection", async () => {
    await using receiver = await startReceiver((response) => {
      response.writeHead(200);
      const write = () => {
        while (!response.destroyed && response.write("x".repeat(1_000)));
      };
      response.on("drain", write);
      write();
    });
    const client = createClient({ requestTimeoutMillis: 60_000, answerBodyMillis: 60_000 });
    expect(await post(client, receiver.url)).toMatchObject({ kind: "accepted", status: 200 });
    await closed(receiver.sockets[0]);
    expect(receiver.sockets[0]?.bytesWritten).toBeLessThan(10_000_000);
  });

  it("does not wait for a missing body", async () => {
    await using receiver = await startReceiver((response) => response.writeHead(200).flushHeaders());
    const client = createClient({ requestTimeoutMillis: 60_000, answerBodyMillis: 60_000 });
    expect(await post(client, receiver.url)).toMatchObject({ kind: "accepted", status: 200 });
  });

  it("closes a connection whose response takes too long to end", async () => {
    await using receiver = await startReceiver((response) => response.writeHead(200).flushHeaders());
    const client = createClient({ requestTimeoutMillis: 60_000, answerBodyMillis: 50 });
    expect(await post(client, receiver.url)).toMatchObject({ kind: "accepted", status: 200 });
    await closed(receiver.sockets[0]);
  });

  it("does not read a body whose announced length is too long", async () => {
    await using receiver = await startReceiver((response) => {
      response.writeHead(200, { "content-length": "16385" }).flushHeaders();
    });
    const client = createClient({ answerBodyMillis: 60_000 });
    expect(await post(client, receiver.url)).toMatchObject({ kind: "accepted" });
    await closed(receiver.sockets[0]);
  });

  it("stays accepted when the connection breaks within the body", async () => {
    await using receiver = await startTcpReceiver((socket) => {
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"));
    });
    expect(await post(createClient(), receiver.url)).toMatchObject({ kind: "accepted", status: 200 });
  });
});

describe("a redirect", () => {
  it.each([301, 302, 303, 304, 307, 308])(
    "with status %i is a failure and is not followed",
    async (status) => {
      await using target = await startReceiver((response) => response.end());
      await using receiver = await startReceiver((response) =>
        response.writeHead(status, { location: target.url }).end(),
      );
      const outcome = await post(createClient(), receiver.url);
      expect(outcome).toMatchObject({ kind: "failed", reason: "http.redirect", status });
      expect(target.sockets).toHaveLength(0);
    },
  );

  it("to cloud metadata opens no connection", async () => {
    const checked: string[] = [];
    const guard: AddressGuard = {
      check: (address) => {
        checked.push(address);
        return LOOPBACK.check(address);
      },
    };
    await using receiver = await startReceiver((response) =>
      response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data/" }).end(),
    );
    expect(await post(createClient({ guard }), receiver.url)).toMatchObject({ reason: "http.redirect" });
    expect(checked).toEqual(["127.0.0.1"]);
  });
});

describe("a refused request", () => {
  it.each([400, 401, 404, 413, 500, 502])("with status %i shows the endpoint's error", async (status) => {
    await using receiver = await startReceiver((response) =>
      response.writeHead(status).end('{"error":"no"}'),
    );
    expect(await post(createClient(), receiver.url)).toEqual({
      kind: "failed",
      reason: "http.status",
      status,
      detail: `status ${status}: {"error":"no"}`,
      durationMillis: expect.any(Number),
    });
  });

  it("with status 410 has reason http.gone", async () => {
    await using receiver = await startReceiver((response) => response.writeHead(410).end());
    expect(await post(createClient(), receiver.url)).toMatchObject({
      reason: "http.gone",
      status: 410,
      detail: "status 410",
    });
  });

  it.each([
    [429, "120", 120_000],
    [429, new Date(NOW + 90_000).toUTCString(), 90_000],
    [503, "7", 7_000],
    [503, new Date(NOW + 3_600_000).toUTCString(), 3_600_000],
    [503, new Date(NOW - 1_000).toUTCString(), 0],
  ])(
    "with status %i and Retry-After: %s has the wait in milliseconds",
    async (status, value, retryAfterMillis) => {
      await using receiver = await startReceiver((response) =>
        response.writeHead(status, { "retry-after": value }).end(),
      );
      expect(await post(createClient(), receiver.url)).toMatchObject({
        reason: "http.status",
        status,
        retryAfterMillis,
      });
    },
  );

  it.each([
    [500, "120"],
    [503, "soon"],
    [429, undefined],
  ])("with status %i and Retry-After: %s has no wait", async (status, value) => {
    await using receiver = await startReceiver((response) =>
      response.writeHead(status, value === undefined ? {} : { "retry-after": value }).end(),
    );
    expect(await post(createClient(), receiver.url)).not.toHaveProperty("retryAfterMillis");
  });

  it("has a short detail of one line, without control characters or secrets", async () => {
    const said = `line 1\r\nline\u0000 2\u202e ${SECRET}\u001b[31m ${"é".repeat(10_000)}`;
    await using receiver = await startReceiver((response) => response.writeHead(500).end(said));
    const outcome = await post(createClient(), receiver.url);
    if (outcome.kind !== "failed") throw new Error("was accepted");
    expect(outcome.detail).toMatch(/^status 500: line 1 line 2 whsec_… \[31m é+…$/);
    expect(outcome.detail.length).toBeLessThanOrEqual(300);
  });

  it("is not delayed by an error body that never ends", async () => {
    await using receiver = await startReceiver((response) => response.writeHead(500).write("it broke"));
    const client = createClient({ requestTimeoutMillis: 60_000, answerBodyMillis: 100 });
    const outcome = await post(client, receiver.url);
    expect(outcome).toMatchObject({ reason: "http.status", status: 500, detail: "status 500: it broke" });
    await closed(receiver.sockets[0]);
  });

  it("keeps its status when the connection breaks within the body", async () => {
    await using receiver = await startTcpReceiver((socket) => {
      socket.once("data", () => socket.end("HTTP/1.1 500 Oops\r\ncontent-length: 10\r\n\r\nabc"));
    });
    expect(await post(createClient(), receiver.url)).toMatchObject({
      reason: "http.status",
      status: 500,
      detail: "status 500: abc",
    });
  });

  it("stops reading an error body at the deadline", async () => {
    await using receiver = await startReceiver((response) => response.writeHead(500).write("it broke"));
    const client = createClient({ requestTimeoutMillis: 1_000, answerBodyMillis: 60_000 });
    expect(await post(client, receiver.url)).toMatchObject({ reason: "http.status", status: 500 });
    await closed(receiver.sockets[0]);
  });
});

describe("an endpoint that does not respond", () => {
  it("times out before the headers, and its connection is closed", async () => {
    await using receiver = await startReceiver(() => {});
    const outcome = await post(createClient({ requestTimeoutMillis: 500 }), receiver.url);
    expect(outcome).toMatchObject({ kind: "failed", reason: "timeout", detail: "no answer within 500 ms" });
    expect(outcome.durationMillis).toBeGreaterThanOrEqual(499);
    await closed(receiver.sockets[0]);
  });

  it("times out during headers that come byte by byte", async () => {
    await using receiver = await startTcpReceiver((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nx-slow: ");
      const timer = setInterval(() => socket.write("a"), 20);
      socket.on("close", () => clearInterval(timer));
    });
    const outcome = await post(createClient({ requestTimeoutMillis: 500 }), receiver.url);
    expect(outcome).toMatchObject({ reason: "timeout" });
    await closed(receiver.sockets[0]);
  });

  it("times out during name resolution", async () => {
    const { promise, resolve } = Promise.withResolvers<readonly string[]>();
    const client = createClient({ requestTimeoutMillis: 100, lookup: () => promise });
    expect(await post(client, "http://slow.example.com/")).toMatchObject({ reason: "timeout" });
    resolve([]);
  });

  it("times out a request that waits for a connection", async () => {
    await using receiver = await startReceiver(() => {});
    const client = createClient({ requestTimeoutMillis: 500 });
    const outcomes = await Promise.all(Array.from({ length: 33 }, () => post(client, receiver.url)));
    expect(outcomes.map((outcome) => "reason" in outcome && outcome.reason)).toEqual(
      Array(33).fill("timeout"),
    );
  });

  it("delays only its own origin, and timed-out requests never reach it", async () => {
    let isHanging = true;
    await using hanging = await startReceiver((response) => {
      if (!isHanging) response.end();
    });
    await using healthy = await startReceiver((response) => response.end());
    const client = createClient({ requestTimeoutMillis: 60_000 });
    const giveUp = new AbortController();
    const stuck = Array.from({ length: 60 }, () => post(client, hanging.url, { signal: giveUp.signal }));
    await expect.poll(() => hanging.requests.length).toBe(32);
    expect(await post(client, healthy.url)).toMatchObject({ kind: "accepted" });

    giveUp.abort();
    const outcomes = await Promise.all(stuck);
    expect(outcomes.map((outcome) => "reason" in outcome && outcome.reason)).toEqual(
      Array(60).fill("aborted"),
    );
    await Promise.all(hanging.sockets.map(closed));

    isHanging = false;
    expect(await post(client, hanging.url)).toMatchObject({ kind: "accepted" });
    expect(hanging.requests).toHaveLength(33);
  });

  it("gets no request that timed out while the connection was opened", async () => {
    await using receiver = await startReceiver((response) => response.end());
    const { promise: addresses, resolve } = Promise.withResolvers<readonly string[]>();
    const giveUp = new AbortController();
    const lookup = vi.fn<ResolveHost>(() => addresses);
    const client = createClient({ requestTimeoutMillis: 60_000, lookup });
    const url = `http://late.example.com:${receiver.port}/`;
    const outcome = post(client, url, { id: "given-up", signal: giveUp.signal });
    await expect.poll(() => lookup.mock.calls.length).toBe(1);
    giveUp.abort();
    expect(await outcome).toMatchObject({ reason: "aborted" });
    resolve(["127.0.0.1"]);
    expect(await post(client, url, { id: "next" })).toMatchObject({ kind: "accepted" });
    await client.close();
    expect(receiver.requests.map(({ headers }) => headers["webhook-id"])).toEqual(["next"]);
  });
});

describe("a connection that fails", () => {
  it("is refused when nothing listens", async () => {
    const receiver = await startReceiver(() => {});
    await receiver[Symbol.asyncDispose]();
    expect(await post(createClient(), receiver.url)).toMatchObject({ reason: "connection.refused" });
  });

  it("fails when it is closed without a response", async () => {
    await using receiver = await startTcpReceiver((socket) => socket.once("data", () => socket.destroy()));
    expect(await post(createClient(), receiver.url)).toMatchObject({ reason: "connection.failed" });
    expect(receiver.sockets).toHaveLength(1);
  });

  it.each([
    ["not HTTP", "SSH-2.0-OpenSSH_9.6\r\n"],
    [
      "an unrequested upgrade",
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ],
    ["an oversized header", `HTTP/1.1 200 OK\r\nx-long: ${"a".repeat(20_000)}\r\n\r\n`],
  ])("fails on %s", async (_name, answer) => {
    await using receiver = await startTcpReceiver((socket) =>
      socket.once("data", () => socket.write(answer)),
    );
    expect(await post(createClient(), receiver.url)).toMatchObject({ reason: "connection.failed" });
    await closed(receiver.sockets[0]);
  });

  it("fails in TLS when the endpoint does not speak it", async () => {
    await using receiver = await startReceiver((response) => response.end());
    expect(await post(createClient(), `https://127.0.0.1:${receiver.port}/`)).toMatchObject({
      reason: "tls.failed",
    });
    expect(receiver.requests).toHaveLength(0);
  });

  it.each(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL", "EAI_MEMORY"])(
    "is the relay's own failure when it has too little left (%s)",
    async (code) => {
      const lack = Object.assign(new Error(`lookup ${code}`), { code });
      for (const error of [lack, new AggregateError([lack]), new Error("wrapped", { cause: lack })]) {
        const failing = createClient({ lookup: () => Promise.reject(error) });
        expect(await post(failing, "http://anywhere.example.com/")).toMatchObject({
          kind: "failed",
          reason: "relay.exhausted",
        });
      }
    },
  );

  it("fails in DNS when the name does not resolve", async () => {
    const unknown = Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
    const failing = createClient({ lookup: () => Promise.reject(unknown) });
    expect(await post(failing, "http://nowhere.example.com/")).toMatchObject({
      reason: "dns.failed",
      detail: "the host name does not resolve: ENOTFOUND",
    });
    const empty = createClient({ lookup: async () => [] });
    expect(await post(empty, "http://empty.example.com/")).toMatchObject({ reason: "dns.failed" });
  });
});

describe("the address of a connection", () => {
  const PUBLIC = "93.184.216.34";

  it.each([
    ["http://169.254.169.254/latest/meta-data/"],
    ["http://[fd00:ec2::254]/"],
    ["http://[::ffff:169.254.169.254]/"],
    ["http://10.0.0.1/"],
    ["http://[::1]:1/"],
    ["https://10.0.0.1/"],
  ])("is refused for the literal %s, without a resolver", async (url) => {
    const lookup = vi.fn<ResolveHost>(async () => ["127.0.0.1"]);
    const outcome = await post(createClient({ lookup }), url);
    expect(outcome).toMatchObject({ kind: "failed", reason: "address.refused" });
    expect(lookup).not.toHaveBeenCalled();
  });

  it.each([
    [["10.0.0.1"]],
    [["127.0.0.1", "10.0.0.1"]],
    [[PUBLIC, "127.0.0.1", "169.254.169.254"]],
    [["127.0.0.1", "::ffff:10.0.0.1"]],
    [["127.0.0.1", "not an address"]],
  ])("is refused when a name has the addresses %j", async (addresses) => {
    await using receiver = await startReceiver((response) => response.end());
    const client = createClient({ lookup: async () => addresses });
    const outcome = await post(client, `http://hooks.example.com:${receiver.port}/`);
    expect(outcome).toMatchObject({ kind: "failed", reason: "address.refused" });
    expect(receiver.sockets).toHaveLength(0);
  });

  it("is not revealed to the subscriber when it is refused", async () => {
    const outcome = await post(
      createClient({ lookup: async () => ["10.20.30.40"] }),
      "http://db.example.com/",
    );
    expect(JSON.stringify(outcome)).not.toContain("10.20.30.40");
    expect(outcome).toMatchObject({ detail: "the host's address is refused: private" });
  });

  it("is one of the checked addresses: the name is resolved once per connection", async () => {
    await using receiver = await startReceiver((response) => response.end());
    const answers = [["127.0.0.1"], ["169.254.169.254"]];
    const lookup = vi.fn<ResolveHost>(async () => answers.shift() ?? []);
    const client = createClient({ lookup });
    const url = `http://rebinding.example.com:${receiver.port}/`;

    expect(await post(client, url)).toMatchObject({ kind: "accepted" });
    expect(await post(client, url)).toMatchObject({ kind: "accepted" });
    expect(lookup.mock.calls).toEqual([["rebinding.example.com"]]);
    expect(receiver.requests.map(({ headers }) => headers.host)).toEqual(
      Array(2).fill(`rebinding.example.com:${receiver.port}`),
    );

    // The next connection resolves the name again, and its new address is refused.
    receiver.sockets[0]?.destroy();
    await vi.waitFor(async () =>
      expect(await post(client, url)).toMatchObject({ reason: "address.refused" }),
    );
    expect(receiver.sockets).toHaveLength(1);
  });

  it("is the next one when the first cannot be reached", async () => {
    await using receiver = await startReceiver((response) => response.end());
    const lookup: ResolveHost = async () => ["127.0.0.2", "127.0.0.1"];
    const url = `http://two.example.com:${receiver.port}/`;
    expect(await post(createClient({ lookup }), url)).toMatchObject({ kind: "accepted" });
  });

  it("is the allowed loopback address for localhost, without a resolver", async () => {
    await using receiver = await startReceiver((response) => response.end());
    const lookup = vi.fn<ResolveHost>(async () => [PUBLIC]);
    const allowed = createClient({ lookup });
    const url = `http://hooks.localhost:${receiver.port}/`;
    expect(await post(allowed, url)).toMatchObject({ kind: "accepted" });
    const strict = createClient({ lookup, guard: createAddressGuard([]) });
    expect(await post(strict, url)).toMatchObject({ reason: "address.refused" });
    expect(lookup).not.toHaveBeenCalled();
  });

  it("comes from the operating system's resolver by default", async () => {
    expect(await post(createClient(), "http://name.invalid/")).toMatchObject({ reason: "dns.failed" });
  });
});

describe("a request that cannot be made", () => {
  it.each(["", "hook", "ftp://127.0.0.1/", "http://user:pass@127.0.0.1/", "http://"])(
    "has reason url.invalid for %j, and does not contain the URL",
    async (url) => {
      const outcome = await post(createClient(), url);
      expect(outcome).toMatchObject({ kind: "failed", reason: "url.invalid" });
      expect(JSON.stringify(outcome)).not.toContain("pass");
    },
  );

  it.each([[[]], [["whsec_???"]]])("has reason secret.invalid for the secrets %j", async (secrets) => {
    await using receiver = await startReceiver((response) => response.end());
    const outcome = await post(createClient(), receiver.url, { secrets });
    expect(outcome).toMatchObject({ kind: "failed", reason: "secret.invalid" });
    expect(receiver.sockets).toHaveLength(0);
  });
});

describe("aborting", () => {
  it("ends a request that waits for its response", async () => {
    const controller = new AbortController();
    await using receiver = await startReceiver(() => controller.abort());
    const outcome = await post(createClient(), receiver.url, { signal: controller.signal });
    expect(outcome).toMatchObject({ kind: "failed", reason: "aborted" });
    await closed(receiver.sockets[0]);
  });

  it("before the start prevents the request", async () => {
    await using receiver = await startReceiver((response) => response.end());
    const outcome = await post(createClient(), receiver.url, { signal: AbortSignal.abort() });
    expect(outcome).toMatchObject({ kind: "failed", reason: "aborted" });
    expect(receiver.sockets).toHaveLength(0);
  });

  it("right after the start also ends the request", async () => {
    await using receiver = await startReceiver(() => {});
    const controller = new AbortController();
    const client = createClient({ requestTimeoutMillis: 60_000 });
    const outcome = post(client, receiver.url, { signal: controller.signal });
    controller.abort();
    expect(await outcome).toMatchObject({ kind: "failed", reason: "aborted" });
    await client.close();
  });

  it("by a signal shared by many requests raises no warning and leaves no listener", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    await using receiver = await startReceiver((response) => response.end());
    const { signal } = new AbortController();
    const remove = vi.spyOn(signal, "removeEventListener");
    const client = createClient();
    await Promise.all(Array.from({ length: 50 }, () => post(client, receiver.url, { signal })));
    process.off("warning", onWarning);
    expect(remove).toHaveBeenCalledTimes(50);
    expect(warnings).toEqual([]);
  });
});

describe("closing", () => {
  it("lets a request in flight end, then closes the connections and refuses new requests", async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<() => void>();
    await using receiver = await startReceiver((response) => arrive(() => response.end()));
    const client = createClient();
    const underWay = post(client, receiver.url);
    const answer = await arrived;
    const closing = client.close();
    expect(await post(client, receiver.url)).toMatchObject({ kind: "failed", reason: "aborted" });
    answer();
    expect(await underWay).toMatchObject({ kind: "accepted" });
    await closing;
    await closed(receiver.sockets[0]);
    expect(receiver.requests).toHaveLength(1);
  });

  it("does not wait for the rest of an accepted response", async () => {
    await using receiver: Receiver = await startReceiver((response) =>
      response.writeHead(200).flushHeaders(),
    );
    const client = createClient({ answerBodyMillis: 60_000 });
    expect(await post(client, receiver.url)).toMatchObject({ kind: "accepted" });
    await client.close();
    await closed(receiver.sockets[0]);
  });
});
