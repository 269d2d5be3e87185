import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { renderMessage } from "../../shared/queue/message.ts";
import { AmiClient } from "../support/amiClient.ts";
import { eventually } from "../support/eventually.ts";
import { amiUser, FEED, type GatewayUnderTest, startTestGateway } from "../support/gatewayUnderTest.ts";
import { MemoryFeeds } from "../support/memoryFeed.ts";

/** Dialogues with the Manager of a real Asterisk 23.5.0-rc1, byte for byte: what was sent and received in turn. */
interface Dialogue {
  readonly name: string;
  readonly transport: "tcp" | "http";
  readonly log: readonly Step[];
}

interface Step {
  readonly send?: string;
  readonly recv?: string;
  readonly closed?: boolean;
  readonly get?: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const dialogues: Dialogue[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "dialogues/manager.json"), "utf8"),
);

/** Where an event-only server answers otherwise, by dialogue and ActionID. */
const OTHERWISE: Readonly<Record<string, { readonly why: string; readonly answer: string }>> = {
  "permission-denied 10": {
    why: "`core show version` is open to everyone, because clients learn the version by it",
    answer:
      "Response: Success\r\nActionID: 10\r\nMessage: Command output follows\r\n" +
      "Output: Asterisk 23.5.0-rc1 built by stasis-relay @ stasis-relay on a x86_64 running Linux on 2026-11-23 07:59:41 UTC\r\n\r\n",
  },
  "core-actions 5": {
    why: "the counts are those of the feed, which has no calls here",
    answer:
      "Response: Success\r\nActionID: 5\r\nCoreStartupDate: 2026-11-23\r\nCoreStartupTime: 07:59:41\r\n" +
      "CoreReloadDate: 2026-11-23\r\nCoreReloadTime: 07:59:41\r\nCoreCurrentCalls: 0\r\nCoreProcessedCalls: 0\r\n\r\n",
  },
  "core-actions 7": {
    why: "nobody can send events into a feed over AMI",
    answer: "Response: Error\r\nActionID: 7\r\nMessage: Permission denied\r\n\r\n",
  },
  "rawman-login-ping-logoff 3": {
    why: "the gateway reports logins to its operator, not as SuccessfulAuth events of the PBX",
    answer:
      "Response: Success\r\nActionID: 3\r\nMessage: Waiting for Event completed.\r\n\r\nEvent: WaitEventComplete\r\nActionID: 3\r\n\r\n",
  },
  "mxml-login-ping-logoff 3": {
    why: "the same",
    answer:
      "<ajax-response>\n<response type='object' id='unknown'><generic response='Success' actionid='3' message='Waiting for Event completed.' /></response>\n" +
      "<response type='object' id='unknown'><generic event='WaitEventComplete' actionid='3' /></response>\n</ajax-response>\n",
  },
};

/** ListCommands names what the gateway answers; the lines that it has are Asterisk's, except for actions of modules that Asterisk had not loaded. */
const NOT_LOADED = /^(?:Agents|IAXpeers|ParkedCalls|Parkinglots|PJSIP\w+):/;

/** Values that no two servers have in common. */
function common(text: string): string {
  return text
    .replace(/(timestamp(?:: |='|<\/td><td>))\d+\.\d{6}/gi, "$1<time>")
    .replace(/(Challenge: )\d+/, "$1<digits>")
    .replace(/((?:uptime|lastreload)(?:: |='|<\/td><td>))\d+/gi, "$1<seconds>");
}

let world: GatewayUnderTest;

beforeAll(async () => {
  const feeds = new MemoryFeeds();
  feeds.create(FEED);
  const snapshot = { type: "RelaySnapshot", snapshot: "s1", timestamp: "2026-11-23T08:00:00.000Z" };
  const pbx = { version: "23.5.0-rc1", systemName: "", entityId: "00:11:22:33:44:55" };
  const begin = { ...snapshot, item: "begin", reason: "start", epoch: "2026-11-23T07:59:41.000Z", pbx };
  const end = {
    ...snapshot,
    item: "end",
    counts: { channels: 0, bridges: 0, endpoints: 0, deviceStates: 0 },
  };
  feeds.append(
    FEED,
    [begin, end].map((event) => renderMessage(event.type, event.timestamp, JSON.stringify(event))),
  );
  world = await startTestGateway({ feeds, users: [amiUser(), amiUser({ username: "nowrite" })] });
  // The PBX's version is known from the first login on.
  (await AmiClient.login(world.port)).socket.destroy();
});
afterAll(() => world.gateway.stop());

describe("a dialogue over TCP is answered as by Asterisk:", () => {
  it.each(dialogues.filter(({ transport }) => transport === "tcp"))("$name", async ({ name, log }) => {
    using client = await AmiClient.connect(world.port);
    let challenge = "";
    for (const { send, recv, closed } of log) {
      if (send !== undefined) client.send(withKey(send, challenge));
      if (recv !== undefined && recv !== "") {
        const expected = OTHERWISE[`${name} ${actionIdOf(recv)}`]?.answer ?? recv;
        const isListing = recv.includes("ListCommands:  (Priv");
        const answer = await blocksOf(client, isListing ? 1 : countOf(expected));
        challenge = /Challenge: (\d+)/.exec(answer)?.[1] ?? challenge;
        if (isListing) expect(linesUnlike(answer, recv)).toEqual([]);
        else expect(common(answer)).toBe(common(expected));
      }
      if (closed === true) await client.closed();
      if (closed === false) expect(client.isClosed).toBe(false);
    }
    expect(client.received).toBe("");
  });
});

describe("a dialogue over HTTP is answered as by Asterisk:", () => {
  it.each(dialogues.filter(({ transport }) => transport === "http"))("$name", async ({ name, log }) => {
    let cookie = "";
    for (const { get = "", body = "", headers = {} } of log) {
      const answer = await fetchWith(cookie, get);
      cookie = /mansession_id="[^"]*"/.exec(answer.headers["set-cookie"] ?? "")?.[0] ?? cookie;
      expect(answer.status).toBe(200);
      const id = /actionid=(\d+)/.exec(get)?.[1] ?? "";
      const expected = OTHERWISE[`${name} ${id}`]?.answer ?? body;
      // The page around the rows is for people, and another one.
      if (name === "manager-html") expect(common(rowsOf(answer.body))).toBe(common(rowsOf(expected)));
      else expect(common(answer.body)).toBe(common(expected));
      for (const header of ["cache-control", "content-type", "pragma", "server"])
        expect(answer.headers[header]).toBe(headers[header]);
      expect(answer.headers["set-cookie"]).toMatch(/^mansession_id="[0-9a-f]+"; Version=1; Max-Age=60$/);
      expect(answer.headers["content-length"]).toBe(String(Buffer.byteLength(answer.body, "latin1")));
    }
  });
});

it("nothing is answered otherwise without a dialogue that shows it", () => {
  const names = dialogues.flatMap(({ name, log }) =>
    log.flatMap(({ recv = "", get = "" }) => [
      `${name} ${actionIdOf(recv)}`,
      `${name} ${/actionid=(\d+)/.exec(get)?.[1]}`,
    ]),
  );
  expect(Object.keys(OTHERWISE).filter((name) => !names.includes(name))).toEqual([]);
});

/** The recorded key was made for the recorded challenge. */
function withKey(send: string, challenge: string): string {
  const key = createHash("md5").update(`${challenge}nowritepass`).digest("hex");
  return send.replace("7e1d62568174d5200ea3ec854bc9d45a", key);
}

function actionIdOf(recv: string): string {
  return /^ActionID: (.*?)\r\n/m.exec(recv)?.[1] ?? "";
}

/** The greeting, or so many blocks. */
async function blocksOf(client: AmiClient, count: number): Promise<string> {
  if (count === 0) return client.take("\r\n");
  await eventually(`${count} blocks`, () => countOf(client.received) >= count);
  const answer = client.received;
  client.received = "";
  return answer;
}

function countOf(text: string): number {
  return text.split("\r\n\r\n").length - 1;
}

/** Lines that Asterisk's answer does not have. */
function linesUnlike(answer: string, recv: string): string[] {
  const theirs = new Set(recv.split("\r\n"));
  return answer.split("\r\n").filter((line) => !theirs.has(line) && !NOT_LOADED.test(line));
}

function rowsOf(html: string): string {
  return html.slice(html.search(/<tr><td>Response/), html.indexOf("</table>"));
}

async function fetchWith(
  cookie: string,
  path: string,
): Promise<{ status: number; headers: Record<string, string>; body: string }> {
  return new Promise((resolve, reject) => {
    const options = { port: world.httpPort, path, headers: cookie === "" ? {} : { cookie } };
    httpRequest({ host: "127.0.0.1", ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => {
        const headers = Object.fromEntries(
          Object.entries(response.headers).map(([key, value]) => [key, [value].flat().join()]),
        );
        resolve({
          status: response.statusCode ?? 0,
          headers,
          body: Buffer.concat(chunks).toString("latin1"),
        });
      });
    })
      .on("error", reject)
      .end();
  });
}
