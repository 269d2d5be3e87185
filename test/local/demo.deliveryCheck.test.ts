import { describe, expect, it } from "vitest";
import { DeliveryCheck } from "../../local/demo/deliveryCheck.ts";

const line = (sequence: number) => `{"type":"Event","number":${sequence}}`;

/** A request with these messages, as the relay sends it. */
function request(
  sequences: readonly number[],
  previous: number,
  change: (text: string) => string = (t) => t,
) {
  return {
    epoch: 1,
    last: sequences.at(-1) ?? 0,
    previous,
    messages: sequences.map((sequence) => ({
      sequence,
      type: "Event",
      event: JSON.parse(change(line(sequence))),
    })),
  };
}

/** A check of a session that starts at 11, for which 11 to 16 were accepted. */
function checkOfSix(): DeliveryCheck {
  const check = new DeliveryCheck(11);
  for (let sequence = 11; sequence <= 16; sequence++) check.expect(sequence, line(sequence));
  return check;
}

const clean = {
  expected: 6,
  delivered: 6,
  lost: 0,
  doubled: 0,
  outOfOrder: 0,
  altered: 0,
  redeliveries: 0,
  badSignatures: 0,
};

describe("the check of what a session gets", () => {
  it("is content with everything once, in order", () => {
    const check = checkOfSix();
    check.receive("a", request([11, 12, 13], 10));
    expect(check.isComplete()).toBe(false);
    check.receive("b", request([14, 15, 16], 13));
    expect(check.isComplete()).toBe(true);
    expect(check.report()).toEqual(clean);
  });

  it("does not care whether the delivery or the producer's answer comes first", () => {
    const check = new DeliveryCheck(11);
    check.receive("a", request([11, 12, 13, 14, 15, 16], 10));
    for (let sequence = 11; sequence <= 16; sequence++) check.expect(sequence, line(sequence));
    expect(check.report()).toEqual(clean);
  });

  it("counts a request repeated with the same id as a redelivery, not as doubled", () => {
    const check = checkOfSix();
    check.receive("a", request([11, 12, 13], 10));
    check.receive("a", request([11, 12, 13], 10));
    check.receive("b", request([14, 15, 16], 13));
    expect(check.report()).toEqual({ ...clean, redeliveries: 1 });
  });

  it("sees what is lost, in the middle and at the beginning", () => {
    const check = checkOfSix();
    check.receive("a", request([12, 13], 10));
    check.receive("b", request([15, 16], 13));
    expect(check.report()).toEqual({ ...clean, delivered: 4, lost: 2 });
  });

  it("sees what is doubled under another id", () => {
    const check = checkOfSix();
    check.receive("a", request([11, 12, 13], 10));
    check.receive("b", request([13, 14, 15, 16], 13));
    expect(check.report()).toEqual({ ...clean, doubled: 1 });
  });

  it("sees what is out of order", () => {
    const check = checkOfSix();
    check.receive("a", request([11, 13, 12], 10));
    check.receive("b", request([14, 15, 16], 12));
    expect(check.report()).toEqual({ ...clean, outOfOrder: 1 });
  });

  it("sees a request that does not follow on the one before", () => {
    const check = checkOfSix();
    check.receive("a", request([11, 12, 13], 10));
    check.receive("b", request([14, 15, 16], 12));
    expect(check.report()).toEqual({ ...clean, outOfOrder: 1 });
  });

  it("sees an event that was altered, in its values or in the order of its keys", () => {
    const check = checkOfSix();
    check.receive(
      "a",
      request([11, 12, 13], 10, (text) => text.replace('"number":12', '"number":"12"')),
    );
    check.receive(
      "b",
      request([14, 15, 16], 13, (text) => text.replace(/^\{(.*),("number":15)\}$/, "{$2,$1}")),
    );
    expect(check.report()).toEqual({ ...clean, altered: 2 });
  });

  it("asks of the messages of others only that they are in order", () => {
    const check = new DeliveryCheck(11);
    check.expect(12, line(12));
    check.receive("a", request([11, 12, 13], 10));
    expect(check.report()).toEqual({ ...clean, expected: 1, delivered: 1 });
    expect(check.messages).toBe(3);
  });
});
