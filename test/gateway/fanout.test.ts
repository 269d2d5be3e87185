import { describe, expect, it } from "vitest";
import { renderAmi } from "../../shared/ami/amiMessage.ts";
import { AmiClient } from "../support/amiClient.ts";
import { eventually } from "../support/eventually.ts";
import { amiUser, FEED, startTestGateway } from "../support/gatewayUnderTest.ts";
import { MemoryFeeds } from "../support/memoryFeed.ts";

const PADDING = "x".repeat(2_000);

/** So many events, numbered from `first` on, as one page. */
function events(first: number, count: number, padding = "") {
  return Array.from({ length: count }, (_, index) =>
    renderAmi(
      "Test",
      ["call"],
      [
        ["Number", String(first + index)],
        ["Padding", padding],
      ],
    ),
  );
}

function numbersIn(text: string): number[] {
  return [...text.matchAll(/^Number: (\d+)\r$/gm)].map(([, number]) => Number(number));
}

const upTo = (last: number, first = 1) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe("a connection", () => {
  it("begins at the tail and gets every event once, in order", async () => {
    await using world = await startTestGateway();
    world.feeds.appendAmi(FEED, events(1, 50));
    using client = await AmiClient.login(world.port);
    await client.take("Fully Booted\r\n\r\n");
    for (let first = 51; first <= 251; first += 50) world.feeds.appendAmi(FEED, events(first, 50));
    await client.take("Number: 300");
    await client.take("\r\n\r\n");
    world.feeds.appendAmi(FEED, events(301, 1));
    expect(await client.take("Number: 301\r\nPadding: \r\n\r\n")).toBe(
      "Event: Test\r\nPrivilege: call,all\r\nNumber: 301\r\nPadding: \r\n\r\n",
    );
  });

  it("that reads nothing keeps a position, delays no other, and reads on from the queue", async () => {
    await using world = await startTestGateway({ feeds: new MemoryFeeds(1_000_000) });
    using slow = await AmiClient.login(world.port);
    using fast = await AmiClient.login(world.port);
    await slow.take("Fully Booted");
    await fast.take("Fully Booted");
    slow.socket.pause();
    // Far more than all buffers between the two: 40 MB.
    const pages = 200;
    for (let page = 0; page < pages; page += 1) {
      world.feeds.appendAmi(FEED, events(page * 100 + 1, 100, PADDING));
      if (page % 20 === 0) await fast.take(`Number: ${page * 100 + 1}\r`);
    }
    await fast.take(`Number: ${pages * 100}\r`);
    const given = world.feeds.pagesGiven;
    expect(numbersIn(slow.received)).toEqual([]);
    slow.socket.resume();
    await eventually("all events", () => slow.received.includes(`Number: ${pages * 100}\r`));
    expect(numbersIn(slow.received)).toEqual(upTo(pages * 100));
    // The gateway held none of it: most pages are read again, those that its cache no longer has.
    expect(world.feeds.pagesGiven - given).toBeGreaterThan(pages / 3);
  });

  it("that reads nothing for the write timeout is closed on a message border", async () => {
    await using world = await startTestGateway({
      feeds: new MemoryFeeds(1_000_000),
      limits: { writeTimeoutMillis: 200 },
    });
    using client = await AmiClient.login(world.port);
    await client.take("Fully Booted");
    client.socket.pause();
    for (let page = 0; page < 200; page += 1)
      world.feeds.appendAmi(FEED, events(page * 100 + 1, 100, PADDING));
    await eventually("the gateway gives up", () =>
      world.logged.some(({ message }) => /reads nothing/.test(message)),
    );
    client.socket.resume();
    await client.closed();
    expect(client.received.endsWith(`${PADDING}\r\n\r\n`)).toBe(true);
    const numbers = numbersIn(client.received);
    expect(numbers).toEqual(upTo(numbers.length));
    await eventually("no connection is left", () => world.gateway.connections === 0);
  });

  it("is told a gap when what it did not read is no longer held", async () => {
    await using world = await startTestGateway({
      feeds: new MemoryFeeds(100),
      users: [amiUser({ resume: true })],
    });
    for (let first = 1; first <= 401; first += 100) world.feeds.appendAmi(FEED, events(first, 100));
    world.positions.next.set("session-ami", 31);
    world.feeds.free(FEED, 3);
    using client = await AmiClient.login(world.port);
    const got = await client.take("Number: 500");
    expect(got).toContain(
      "Event: RelayGap\r\nPrivilege: system,all\r\nReason: retention\r\nFirst: 31\r\nLast: 300\r\n\r\n",
    );
    expect(numbersIn(`${got}\r\n`)).toEqual(upTo(500, 301));
  });

  it("that lags more messages than the retention keeps is moved forward and told", async () => {
    await using world = await startTestGateway({
      users: [amiUser({ resume: true })],
      retention: { millis: 86_400_000, messages: 100 },
    });
    world.positions.next.set("session-ami", 1);
    world.feeds.appendAmi(FEED, events(1, 250));
    using client = await AmiClient.login(world.port);
    const got = await client.take("Number: 250\r\n");
    expect(got).toContain("Reason: retention\r\nFirst: 1\r\nLast: 150\r\n");
    expect(numbersIn(got)).toEqual(upTo(250, 151));
  });
});

describe("a position that resumes", () => {
  it("goes on where the last connection was", async () => {
    await using world = await startTestGateway({ users: [amiUser({ resume: true })] });
    using first = await AmiClient.login(world.port);
    await first.take("Fully Booted");
    world.feeds.appendAmi(FEED, events(1, 10));
    await first.take("Number: 10\r");
    await eventually("all is acknowledged", () => world.positions.next.get("session-ami") === 11);
    first[Symbol.dispose]();
    await eventually("the connection is gone", () => world.gateway.connections === 0);
    world.feeds.appendAmi(FEED, events(11, 10));
    using second = await AmiClient.login(world.port);
    expect(numbersIn(await second.take("Number: 20\r\n"))).toEqual(upTo(20, 11));
  });

  it("numbers the events for a user who wants to recognise them", async () => {
    await using world = await startTestGateway({ users: [amiUser({ sequenceHeader: true })] });
    using client = await AmiClient.login(world.port);
    await client.take("Fully Booted\r\n\r\n");
    world.feeds.appendAmi(FEED, events(1, 2));
    expect(await client.take("RelaySequence: 2\r\n\r\n")).toBe(
      "Event: Test\r\nPrivilege: call,all\r\nNumber: 1\r\nPadding: \r\nRelaySequence: 1\r\n\r\n" +
        "Event: Test\r\nPrivilege: call,all\r\nNumber: 2\r\nPadding: \r\nRelaySequence: 2\r\n\r\n",
    );
  });

  it("refuses a second login, or gives it the place of the first", async () => {
    await using world = await startTestGateway({
      users: [
        amiUser({ resume: true }),
        amiUser({ username: "heir", resume: true, multipleLogin: "take-over" }),
      ],
    });
    using holder = await AmiClient.login(world.port);
    using refused = await AmiClient.connect(world.port);
    await refused.take("\r\n");
    expect(await refused.ask("Action: Login\r\nActionID: 1\r\nUsername: ami\r\nSecret: amipass")).toBe(
      "Response: Error\r\nActionID: 1\r\nMessage: Login Already In Use\r\n\r\n",
    );
    await refused.closed();
    expect(holder.isClosed).toBe(false);
    using first = await AmiClient.login(world.port, "heir");
    using second = await AmiClient.login(world.port, "heir");
    await first.closed();
    expect(second.isClosed).toBe(false);
  });

  it("tells the gaps that the client does not know yet, at the login and when the sweep moves it", async () => {
    await using world = await startTestGateway({ users: [amiUser({ resume: true })] });
    world.feeds.appendAmi(FEED, events(1, 10));
    world.positions.next.set("session-ami", 6);
    world.positions.gaps.set("session-ami", { first: 3, last: 5, reason: "retention" });
    using client = await AmiClient.login(world.port);
    expect(await client.take("Number: 10\r\n")).toMatch(
      /Reason: retention\r\nFirst: 3\r\nLast: 5\r\n\r\nEvent: Test\r\n/,
    );
    world.positions.evictions.set("session-ami", { first: 12, last: 14, reason: "retention" });
    world.feeds.appendAmi(FEED, events(11, 1));
    await client.take("First: 12\r\nLast: 14\r\n");
    world.feeds.appendAmi(FEED, events(12, 5));
    expect(numbersIn(await client.take("Number: 16\r\n"))).toEqual([15, 16]);
  });

  it("is said to be received only if the client answers the end of its connection", async () => {
    await using world = await startTestGateway({ users: [amiUser({ resume: true })] });
    using cut = await AmiClient.login(world.port);
    cut.socket.resetAndDestroy();
    await eventually("it is closed", () => world.positions.closed.length === 1);
    using polite = await AmiClient.login(world.port);
    await polite.take("Fully Booted\r\n\r\n");
    expect(await polite.ask("Action: Logoff")).toContain("Goodbye");
    await eventually("it is closed", () => world.positions.closed.length === 2);
    using hasty = await AmiClient.login(world.port);
    hasty.socket.end();
    await eventually("it is closed", () => world.positions.closed.length === 3);
    expect(world.positions.closed).toEqual([false, true, false]);
  });

  it("closes its connection when it is lost", async () => {
    await using world = await startTestGateway({ users: [amiUser({ resume: true })] });
    using client = await AmiClient.login(world.port);
    world.positions.lose("session-ami", "deleted");
    await client.closed();
  });
});

describe("events", () => {
  it("wait until the login's answer is alone with the client, or until its next action", async () => {
    await using world = await startTestGateway({
      users: [amiUser({ resume: true })],
      limits: { loginHoldMillis: 600_000 },
    });
    world.positions.next.set("session-ami", 1);
    world.feeds.appendAmi(FEED, events(1, 1));
    using client = await AmiClient.login(world.port);
    expect(client.received).toBe("");
    client.send("Action: Ping\r\n\r\n");
    const got = await client.take("Number: 1\r");
    expect(got.startsWith("Response: Success\r\nPing: Pong\r\n")).toBe(true);
    expect(got.indexOf("FullyBooted")).toBeLessThan(got.indexOf("Event: Test"));
  });

  it("of a large backlog do not delay the answer to Ping by more than one write", async () => {
    await using world = await startTestGateway({
      feeds: new MemoryFeeds(1_000_000),
      users: [amiUser({ resume: true })],
    });
    world.positions.next.set("session-ami", 1);
    for (let page = 0; page < 200; page += 1)
      world.feeds.appendAmi(FEED, events(page * 100 + 1, 100, PADDING));
    using client = await AmiClient.login(world.port);
    await client.take("Number: 1\r");
    client.socket.pause();
    client.send("Action: Ping\r\nActionID: p\r\n\r\n");
    await eventually("the gateway has the action", () => client.socket.writableLength === 0);
    client.socket.resume();
    const before = await client.take("ActionID: p\r\n");
    // What was in the buffers of the system comes first; most of the 20,000 events come later.
    expect(numbersIn(before).length).toBeLessThan(15_000);
    await client.take("Number: 20000\r");
  });

  it("follow a change of the mask and of the filters", async () => {
    await using world = await startTestGateway();
    using client = await AmiClient.login(world.port);
    using witness = await AmiClient.login(world.port);
    await client.take("Fully Booted\r\n\r\n");
    await witness.take("Fully Booted\r\n\r\n");
    expect(await client.ask("Action: Events\r\nEventMask: off")).toContain("Events: Off");
    world.feeds.appendAmi(FEED, events(1, 1));
    await witness.take("Number: 1\r\n");
    expect(await client.ask("Action: Events\r\nEventMask: call")).toContain("Events: On");
    expect(await client.ask("Action: Filter\r\nOperation: Add\r\nFilter: !Number: 2")).toContain("Success");
    world.feeds.appendAmi(FEED, events(2, 2));
    const got = await client.take("Number: 3\r\n");
    expect(numbersIn(got)).toEqual([3]);
  });

  it("end a WaitEvent, which has them in its answer", async () => {
    await using world = await startTestGateway();
    using client = await AmiClient.login(world.port);
    await client.take("Fully Booted\r\n\r\n");
    // When the first is answered, the gateway is at the second.
    expect(await client.ask("Action: Ping\r\n\r\nAction: WaitEvent\r\nActionID: w")).toContain("Pong");
    world.feeds.appendAmi(FEED, events(1, 2));
    expect(await client.take("Event: WaitEventComplete\r\nActionID: w\r\n\r\n")).toBe(
      "Response: Success\r\nActionID: w\r\nMessage: Waiting for Event completed.\r\n\r\n" +
        "Event: Test\r\nPrivilege: call,all\r\nNumber: 1\r\nPadding: \r\n\r\n" +
        "Event: Test\r\nPrivilege: call,all\r\nNumber: 2\r\nPadding: \r\n\r\n" +
        "Event: WaitEventComplete\r\nActionID: w\r\n\r\n",
    );
    expect(await client.ask("Action: Ping\r\n\r\nAction: WaitEvent")).toContain("Pong");
    expect(await client.ask("Action: Ping")).toContain("Waiting for Event completed.");
  });
});
