import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { renderAmi } from "../../shared/ami/amiMessage.ts";
import { eventually } from "../support/eventually.ts";
import { amiUser, FEED, type GatewayUnderTest, startTestGateway } from "../support/gatewayUnderTest.ts";

const event = (number: number) => renderAmi("Test", ["call"], [["Number", String(number)]]);

/** A browser's part: it keeps the cookie. */
class Browser {
  readonly #origin: string;
  cookie = "";

  constructor({ httpPort }: Pick<GatewayUnderTest, "httpPort">) {
    this.#origin = `http://127.0.0.1:${httpPort}`;
  }

  async get(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(`${this.#origin}${path}`, {
      ...init,
      headers: { ...init.headers, ...(this.cookie && { cookie: this.cookie }) },
    });
    this.cookie = /mansession_id="[^"]*"/.exec(response.headers.get("set-cookie") ?? "")?.[0] ?? this.cookie;
    return response;
  }

  async text(path: string, init: RequestInit = {}): Promise<string> {
    return (await this.get(path, init)).text();
  }

  static async login(world: GatewayUnderTest, more = ""): Promise<Browser> {
    const browser = new Browser(world);
    const answer = await browser.text(`/rawman?action=login&username=ami&secret=amipass${more}`);
    expect(answer).toContain("Message: Authentication accepted\r\n\r\n");
    return browser;
  }
}

const waitFor = (seconds: number) => `/rawman?action=waitevent&timeout=${seconds}`;

describe("a session over HTTP", () => {
  it("has the events between two polls, each once", async () => {
    await using world = await startTestGateway();
    const browser = await Browser.login(world);
    world.feeds.appendAmi(FEED, [event(1), event(2)]);
    const first = await browser.text(waitFor(30));
    expect(first).toBe(
      "Response: Success\r\nMessage: Waiting for Event completed.\r\n\r\n" +
        "Event: Test\r\nPrivilege: call,all\r\nNumber: 1\r\n\r\nEvent: Test\r\nPrivilege: call,all\r\nNumber: 2\r\n\r\n" +
        "Event: WaitEventComplete\r\n\r\n",
    );
    const waiting = browser.text(waitFor(30));
    world.feeds.appendAmi(FEED, [event(3)]);
    expect(await waiting).toContain("Number: 3\r\n");
    expect(await browser.text(waitFor(0))).not.toContain("Event: Test");
  });

  it("gives the events of a poll that nobody received to the next one", async () => {
    await using world = await startTestGateway();
    const browser = await Browser.login(world);
    const gone = new AbortController();
    const waiting = browser.get(waitFor(30), { signal: gone.signal }).catch(() => undefined);
    await eventually("the request is there", () => world.feeds.pageReads > 0);
    gone.abort();
    await waiting;
    world.feeds.appendAmi(FEED, [event(1)]);
    expect(await browser.text(waitFor(30))).toContain("Number: 1\r\n");
  });

  it("ends the first of two polls with an empty answer", async () => {
    await using world = await startTestGateway();
    const browser = await Browser.login(world);
    const polls = [browser.text(waitFor(30)), browser.text(waitFor(30))];
    // Whichever the server saw first.
    expect(await Promise.race(polls)).toBe("");
    world.feeds.appendAmi(FEED, [event(1)]);
    const answers = await Promise.all(polls);
    expect(answers.filter((answer) => answer.includes("Number: 1\r\n")).length).toBe(1);
    expect(answers.filter((answer) => answer === "").length).toBe(1);
  });

  it("turns events on when a poll waits for them", async () => {
    await using world = await startTestGateway();
    const browser = await Browser.login(world, "&events=off");
    const waiting = browser.text(waitFor(30));
    await browser.text("/rawman?action=ping");
    world.feeds.appendAmi(FEED, [event(1)]);
    expect(await waiting).toContain("Number: 1\r\n");
  });

  it("is closed when its user's position is lost, and after the time without a request", async () => {
    await using world = await startTestGateway({
      users: [amiUser({ resume: true })],
      limits: { httpTimeoutMillis: 300 },
    });
    const browser = await Browser.login(world);
    world.positions.lose("session-ami", "deleted");
    expect(await browser.text("/rawman?action=ping")).toContain("Permission denied");
    const other = await eventually("the user can log in again", () =>
      Browser.login(world).catch(() => undefined),
    );
    await eventually("the session has expired", async () =>
      (await other.text("/rawman?action=corestatus")).includes("Permission denied")
        ? true
        : new Promise<false>((resolve) => setTimeout(() => resolve(false), 400)),
    );
  });

  it("takes forms, the usual prefix and every form of answer", async () => {
    await using world = await startTestGateway();
    const browser = new Browser(world);
    const form = new URLSearchParams({ action: "login", username: "ami", secret: "amipass" });
    expect(await browser.text("/asterisk/mxml", { method: "POST", body: form })).toContain(
      "<generic response='Success' message='Authentication accepted' />",
    );
    expect(await browser.text("/asterisk/manager?action=ping")).toContain(
      "<tr><td>Ping</td><td>Pong</td></tr>",
    );
    expect(
      await browser.text("/mxml?action=ping&actionid=%3Cb%3E%27&ajaxdest=here&ajaxobjtype=thing"),
    ).toContain(
      "<response type='object' id='here'><thing response='Success' actionid='&lt;b&gt;&apos;' ping='Pong'",
    );
    expect((await browser.get("/nowhere")).status).toBe(404);
    expect((await browser.get("/rawman?action=ping", { method: "PUT" })).status).toBe(501);
    const large = await browser.get("/rawman", { method: "POST", body: "x".repeat(50_000) });
    expect(large.status).toBe(413);
  });

  it("that waits does not delay the gateway's stop", async () => {
    const world = await startTestGateway();
    const browser = await Browser.login(world);
    const waiting = browser.text(waitFor(30));
    await eventually("the request is there", () => world.feeds.pageReads > 0);
    await browser.text("/rawman?action=ping");
    const begun = performance.now();
    await world.gateway.stop();
    expect(performance.now() - begun).toBeLessThan(4_000);
    await waiting.catch(() => undefined);
  });

  it("cannot add headers to an answer", async () => {
    await using world = await startTestGateway();
    const browser = await Browser.login(world);
    expect(await browser.text("/rawman?action=events&eventmask=on&actionid=1%0d%0aInjected:%20yes")).toBe(
      "Response: Success\r\nActionID: 1Injected: yes\r\nEvents: On\r\n\r\n",
    );
  });
});

describe("digest authentication", () => {
  const md5 = (text: string) => createHash("md5").update(text).digest("hex");

  function authorization(nonce: string, uri: string, count: number, secret = "amipass"): string {
    const nc = count.toString(16).padStart(8, "0");
    const response = md5(`${md5(`ami:asterisk:${secret}`)}:${nonce}:${nc}:c0:auth:${md5(`GET:${uri}`)}`);
    return `Digest username="ami", realm="asterisk", nonce="${nonce}", uri="${uri}", qop=auth, nc=${nc}, cnonce="c0", response="${response}", algorithm=MD5`;
  }

  it("logs in without a Login action, and keeps the session under its nonce", async () => {
    await using world = await startTestGateway();
    const browser = new Browser(world);
    const uri = "/arawman?action=waitevent&timeout=20";
    const asked = await browser.get(uri);
    expect(asked.status).toBe(401);
    const nonce = /nonce="([0-9a-f]+)"/.exec(asked.headers.get("www-authenticate") ?? "")?.[1] ?? "";
    const ping = "/arawman?action=ping";
    const with_ = (path: string, count: number, secret?: string) =>
      browser.get(path, { headers: { authorization: authorization(nonce, path, count, secret) } });
    expect(await (await with_(ping, 1)).text()).toContain("Ping: Pong");
    world.feeds.appendAmi(FEED, [event(1)]);
    expect(await (await with_(uri, 2)).text()).toContain("Number: 1\r\n");
    // Heard by others, and sent again.
    expect((await with_(uri, 2)).status).toBe(401);
    expect((await with_(ping, 3, "wrong")).status).toBe(401);
  });

  it("needs a nonce of this server", async () => {
    await using world = await startTestGateway();
    const path = "/amxml?action=ping";
    const headers = { authorization: authorization("0badc0de", path, 1) };
    expect((await new Browser(world).get(path, { headers })).status).toBe(401);
  });
});
