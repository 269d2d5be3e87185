import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { someEvents, TestRelay } from "../support/testRelay.ts";

describe("a long poll", () => {
  it("answers as soon as a message with the wanted form is there, and goes on with next", async () => {
    await using relay = await TestRelay.start();
    await relay.append("pbx", someEvents(3));
    const waiting = relay.messages("pbx", { from: "tail", wait: 20 });
    const answered = waiting.then(() => "answered");
    expect(await Promise.race([answered, pause(300, "waits")])).toBe("waits");
    const before = performance.now();
    await relay.append("pbx", someEvents(2));
    const { messages, next } = await waiting;
    expect([messages.map(({ sequence }) => sequence), next]).toEqual([[4, 5], 6]);
    expect(performance.now() - before).toBeLessThan(5_000);

    // An AMI-only message is passed over, and the wait goes on.
    const stasis = relay.messages("pbx", { from: next, wait: 20 });
    await relay.appendAmi("pbx", "Event: FullyBooted\r\nPrivilege: system,all\r\n\r\n");
    await relay.append("pbx", someEvents(1));
    expect((await stasis).messages.map(({ sequence }) => sequence)).toEqual([7]);
  });

  it("answers at once when there is something to read or a wait of 0, and empty after its time", async () => {
    await using relay = await TestRelay.start();
    await relay.append("pbx", someEvents(1));
    expect((await relay.messages("pbx", { wait: 20 })).messages).toHaveLength(1);
    expect(await relay.messages("pbx", { from: 2, wait: 0 })).toMatchObject({ messages: [], next: 2 });
    const before = performance.now();
    expect(await relay.messages("pbx", { from: 2, wait: 1 })).toMatchObject({ messages: [], next: 2 });
    expect(performance.now() - before).toBeGreaterThan(950);
  });

  it("is answered at once by a relay that stops", async () => {
    const relay = await TestRelay.start();
    await relay.append("pbx", someEvents(1));
    const waiting = relay.messages("pbx", { from: "tail", wait: 20 });
    const answered = waiting.then(() => "answered");
    expect(await Promise.race([answered, pause(300, "waits")])).toBe("waits");
    const before = performance.now();
    await relay[Symbol.asyncDispose]();
    expect(await waiting).toMatchObject({ messages: [], next: 2 });
    expect(performance.now() - before).toBeLessThan(3_500);
  });

  it.each(["21", "-1", "1.5", "x", ""])("is refused for a wait of '%s'", async (wait) => {
    await using relay = await TestRelay.start();
    const answered = await relay.call("GET", `/v1/feeds/pbx/messages?wait=${wait}`);
    expect([answered.status, answered.json.errors[0].at]).toEqual([400, "query.wait"]);
  });
});
