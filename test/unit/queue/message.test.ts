import { describe, expect, it } from "vitest";
import { GAP_TYPE, renderGap, renderMessage, renderMessages } from "../../../shared/queue/message.ts";
import { message, NOW } from "./samples.ts";

describe("a rendered message", () => {
  it("holds the event unchanged", () => {
    const text = '{"type":"A","n":1.0,"big":12345678901234567890}';
    expect(renderMessage('A"\n', "now", text)).toEqual({
      type: 'A"\n',
      text: `{"type":"A\\"\\n","timestamp":"now","event":${text}}`,
    });
  });

  it("gets its number first", () => {
    const numbered = [7, 8].map((sequence) => ({ sequence, message: message(sequence) }));
    expect(JSON.parse(renderMessages(numbered, "stasis"))).toEqual(
      [7, 8].map((sequence) => ({ sequence, ...JSON.parse(message(sequence).text) })),
    );
    expect(renderMessages(numbered, "stasis")).toMatch(/^\[\{"sequence":7,"type":"Dial",/);
    expect(renderMessages([], "stasis")).toBe("[]");
  });

  it("reports a gap in the form of an event", () => {
    const gap = renderGap("retention", { first: 3, last: 9 }, NOW);
    const timestamp = new Date(NOW).toISOString();
    expect(gap.type).toBe(GAP_TYPE);
    expect(JSON.parse(gap.text)).toEqual({
      type: "RelayGap",
      timestamp,
      event: { type: "RelayGap", timestamp, reason: "retention", first: 3, last: 9 },
    });
  });
});
