import { describe, expect, it } from "vitest";
import { readProducer } from "../../../functions/ingest/producer.ts";
import { HttpProblem } from "../../../shared/http/problem.ts";

const [ID, POSITION] = ["header.relay-producer", "header.relay-position"];

function refusedAt(id: string | undefined, position: string | undefined): string[] {
  try {
    readProducer(id, position);
  } catch (error) {
    if (!(error instanceof HttpProblem)) throw error;
    expect(error.problem).toMatchObject({ status: 400, code: "producer.invalid" });
    return (error.problem.errors ?? []).map(({ at }) => at);
  }
  return [];
}

describe("the producer headers", () => {
  it("may both be absent", () => {
    expect(readProducer(undefined, undefined)).toBeUndefined();
  });

  it.each([
    ["pbx-1", "1", { id: "pbx-1", position: 1 }],
    ["a:/b~!", "0", { id: "a:/b~!", position: 0 }],
    ["x".repeat(128), "999999999999999", { id: "x".repeat(128), position: 999_999_999_999_999 }],
  ])("give the producer and the first position: %s, %s", (id, position, producer) => {
    expect(readProducer(id, position)).toEqual(producer);
  });

  it.each<[string | undefined, string | undefined, string[]]>([
    ["p", undefined, [POSITION]],
    [undefined, "1", [ID]],
    ["", "1", [ID]],
    ["x".repeat(129), "1", [ID]],
    ["a b", "1", [ID]],
    ["bär", "1", [ID]],
    ["a\u0007", "1", [ID]],
    ["sqs:1", "1", [ID]],
    ["p", "", [POSITION]],
    ["p", "-1", [POSITION]],
    ["p", "1.5", [POSITION]],
    ["p", "1e3", [POSITION]],
    ["p", "0x10", [POSITION]],
    ["p", "1000000000000000", [POSITION]],
    ["a b", "x", [ID, POSITION]],
  ])("%j with position %j are refused at %j", (id, position, places) => {
    expect(refusedAt(id, position)).toEqual(places);
  });
});
