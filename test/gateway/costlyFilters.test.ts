import { describe, expect, it } from "vitest";
import { renderAmi } from "../../shared/ami/amiMessage.ts";
import { AmiClient } from "../support/amiClient.ts";
import { eventually } from "../support/eventually.ts";
import { amiUser, FEED, startTestGateway } from "../support/gatewayUnderTest.ts";

const COSTLY_USERS = 4;
/** Each of the filters takes about 13 ms for one of them, and may take 200 ms. */
const EVENTS = 100;

/** Text that the regular expressions below cannot decide early. */
function hardText(seed: number): string {
  let state = seed;
  return Array.from({ length: 2000 }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return "abcdefghijk"[state % 11];
  }).join("");
}

const hardEvents = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) =>
    renderAmi(
      "VarSet",
      ["call"],
      [
        ["Number", String(first + index)],
        ["Value", hardText(1000 + index)],
      ],
    ),
  );

describe("filters that take long", () => {
  it("close their connections with a reason, and answers to others come between them", async () => {
    const costly = Array.from({ length: COSTLY_USERS }, (_, n) =>
      amiUser({ username: `costly${n}`, eventFilters: [`([a-j]{1,2}[b-k]?[a-i]){0,300}[K-Z]${n}`] }),
    );
    await using world = await startTestGateway({ users: [amiUser(), ...costly] });
    for (const { username } of costly) {
      const client = await AmiClient.login(world.port, username);
      await client.take("Fully Booted\r\n\r\n");
    }
    using other = await AmiClient.login(world.port);
    await other.take("Fully Booted\r\n\r\n");

    world.feeds.appendAmi(FEED, hardEvents(1, EVENTS));
    await other.take(`Number: ${EVENTS}\r`);
    await other.take("\r\n\r\n");
    let answered = 0;
    const isClosed = () =>
      world.logged.filter(
        ({ facts }) =>
          facts?.error instanceof Error && "code" in facts.error && facts.error.code === "filter.too-costly",
      ).length === COSTLY_USERS;
    await eventually(
      "the costly connections are closed",
      async () => {
        expect(await other.ask("Action: Ping")).toContain("Ping: Pong");
        answered += 1;
        return isClosed();
      },
      60_000,
    );
    // Judged in one piece, all are closed before the first answer.
    expect(answered).toBeGreaterThan(COSTLY_USERS);
  }, 120_000);
});
