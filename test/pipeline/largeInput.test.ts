import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { mostMillis, Neighbour } from "../support/share/neighbour.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";

let relay: TestRelay;
let receiver: WebhookReceiver;

beforeAll(async () => {
  [relay, receiver] = await Promise.all([TestRelay.start(), WebhookReceiver.start()]);
});

afterAll(async () => {
  await Promise.all([relay[Symbol.asyncDispose](), receiver[Symbol.asyncDispose]()]);
});

/** Text whose states a filter below cannot share. */
function hardText(seed: number): string {
  let state = seed;
  return Array.from({ length: 2000 }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return "abcdefghijk"[state % 11];
  }).join("");
}

describe("what one session makes large", () => {
  it("filters that cost too much suspend their session alone, with the reason", async () => {
    const costly = await relay.createSession({
      feed: "pbx",
      url: receiver.url("/costly"),
      format: "ami",
      filter: { eventFilters: ["([a-j]{1,2}[b-k]?[a-i]){0,300}[K-Z]"] },
    });
    await relay.createSession({ feed: "pbx", url: receiver.url("/other") });
    for (let batch = 0; batch < 10; batch += 1)
      await relay.append(
        "pbx",
        [1, 2, 3, 4, 5].map((n) => ({
          type: "ChannelVarset",
          variable: "X",
          value: hardText(10 * batch + n),
        })),
      );
    await eventually("the other session has everything", async () => {
      const sequences = receiver.requests("/other").flatMap(({ body }) => body.messages);
      return sequences.length === 50;
    });
    await eventually("the costly session is suspended", async () => {
      const { json } = await relay.expectCall(200, "GET", `/v1/sessions/${costly.id}`);
      return json.state === "suspended" && json.lastError.reason === "filter.too-costly";
    });
    expect(await relay.append("pbx", someEvents(1))).toMatchObject({ first: 51 });
  });

  it("a list of sessions is cut before it is too large for a response, and goes on where it ended", async () => {
    const eventFilters = Array.from({ length: 60 }, (_, n) => `Event: ${n}\u0001${"x".repeat(900)}`);
    const created = new Set<string>();
    for (let count = 0; count < 90; count += 1) {
      const { id } = await relay.createSession({
        feed: "list",
        url: receiver.url("/list"),
        filter: { eventFilters },
      });
      created.add(id);
    }
    const listed: string[] = [];
    let after: string | undefined;
    do {
      const answer = await relay.expectCall(200, "GET", `/v1/sessions${after ? `?after=${after}` : ""}`);
      expect(answer.text.length).toBeLessThan(4.5 * 1024 * 1024);
      listed.push(...answer.json.sessions.map(({ id }: { id: string }) => id));
      after = answer.json.after;
    } while (after !== undefined);
    expect(new Set(listed).size).toBe(listed.length);
    expect([...created].filter((id) => !listed.includes(id))).toEqual([]);
  });

  it("many sessions with filters that cost too much take turns with everybody else", async () => {
    const costly = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        relay.createSession({
          feed: "many",
          url: receiver.url("/many"),
          format: "ami",
          filter: { eventFilters: [`([a-j]{1,2}[b-k]?[a-i]){0,300}[K-Z]${n}`] },
        }),
      ),
    );
    await using neighbour = await Neighbour.start(relay);
    await neighbour.longestOf(5);
    const usual = await neighbour.longestOf(10);
    // Each of the filters takes about 13 ms for one of them, and may take 200 ms.
    const events = Array.from({ length: 100 }, (_, n) => ({
      type: "ChannelVarset",
      variable: "X",
      value: hardText(1000 + n),
    }));
    const waited = await neighbour.longestDuring(relay.append("many", events), 15);
    // Without turns it was 15 s, 300 times as long as usual.
    expect(waited.delivery).toBeLessThan(mostMillis(usual.delivery));
    const reason = await eventually(
      "the error of a costly session",
      async () => {
        const { json } = await relay.expectCall(200, "GET", `/v1/sessions/${costly[0]?.id}`);
        return json.lastError?.reason;
      },
      60_000,
    );
    expect(["filter.waits", "filter.too-costly"]).toContain(reason);
  }, 120_000);
});
