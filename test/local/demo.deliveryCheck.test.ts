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

/** The check of a session that starts at 11. Messages 11 to 16 were accepted. */
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

describe("the check of a session's deliveries", () => {
  it("passes when every message arrives once and in order", () => {
    const check = checkOfSix();
    check.receive("a", request([11, 12, 13], 10));
    expect(check.isComplete()).toBe(false);
    check.receive("b", request([14, 15, 16], 13));
    expect(check.isComplete()).toBe(true);
    expect(check.report()).toEqual(clean);
  });

  it("accepts the delivery and the producer's response in either order", () => {
    const check = new DeliveryCheck(11);
    check.receive("a", request([11, 12, 13, 14, 15, 16], 10));
    for (let sequence = 11; sequence <= 16; sequence++) check.expect(sequence, line(sequence));
    expect(check.report()).toEqual(clean);
  });

  it("counts a repeated request with the same id as a redelivery, not as doubled", () => {
    const check = checkOfSix();
    check.receive("a", request([11, 12, 13], 10));
    check.receive("a", request([11, 12, 13], 10));
    check.receive("b", request([14, 15, 16], 13));
    expect(check.report()).toEqual({ ...clean, redeliveries: 1 });
  });

  it("finds lost messages, in the middle and at the beginning", () => {
    const check = checkOfSix();
    check.receive("a", request([12, 13], 10));
    check.receive("b", request([15, 16], 13));
    expect(check.report()).toEqual({ ...clean, delivered: 4, lost: 2 });
  });

  it("finds messages doubled under another id", () => {
    const check = checkOfSix();
    check.receive("a", request([11, 12, 13], 10));
    check.receive("b", request([13, 14, 15, 16], 13));
    expect(check.report()).toEqual({ ...clean, doubled: 1 });
  });

  it("finds messages out of order", () => {
    const check = checkOfSix();
    check.receive("a", request([11, 13, 12], 10));
    check.receive("b", request([14, 15, 16], 12));
    expect(check.report()).toEqual({ ...clean, outOfOrder: 1 });
  });

  it("finds a request that does not follow the previous one", () => {
    const check = checkOfSix();
    check.receive("a", request([11, 12, 13], 10));
    check.receive("b", request([14, 15, 16], 12));
    expect(check.report()).toEqual({ ...clean, outOfOrder: 1 });
  });

  it("finds an event with altered values or key order", () => {
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

  it("checks only the order of other producers' messages", () => {
    const check = new DeliveryCheck(11);
    check.expect(12, line(12));
    check.receive("a", request([11, 12, 13], 10));
    expect(check.report()).toEqual({ ...clean, expected: 1, delivered: 1 });
  });
});
