import { inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renderAmi } from "../../../shared/ami/amiMessage.ts";
import { type MessageFormat, type NumberedMessage, renderMessage } from "../../../shared/queue/message.ts";
import { type BodyEnd, ownEnd, SharedMessages } from "../../../shared/webhook/sharedMessages.ts";

/** The message of a feed with a number: each has another content. */
function messageOf(feed: string, sequence: number): NumberedMessage {
  const ami = renderAmi("A", ["call"], [["Of", `${feed} ${sequence}`]]);
  return { sequence, message: renderMessage("A", "now", `{"of":"${feed} ${sequence}"}`, ami) };
}

const messagesOf = (feed: string, ...sequences: number[]) =>
  sequences.map((sequence) => messageOf(feed, sequence));

const text = ({ json }: BodyEnd) => Buffer.from(json).toString();

describe("shared messages", () => {
  it("are rendered once for the same numbers of a feed, and compressed once", () => {
    const shared = new SharedMessages();
    const first = shared.endOf("pbx", messagesOf("pbx", 1, 2, 3), "stasis", true);
    const again = shared.endOf("pbx", messagesOf("pbx", 1, 2, 3), "stasis", true);
    expect(again.json).toBe(first.json);
    expect(again.deflated).toBe(first.deflated);
    expect(shared.endOf("pbx", messagesOf("pbx", 1, 2, 3), "stasis", false)).toEqual({
      json: first.json,
      deflated: undefined,
    });
  });

  it("are those of exactly these numbers, this feed and this format, whatever was asked for before", () => {
    const feed = fc.constantFrom("a", "b", "a 1-1", "1");
    const format = fc.constantFrom<MessageFormat>("stasis", "ami");
    const sequences = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });
    const ask = fc.record({ feed, format, sequences, isCompressed: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(ask, { minLength: 20, maxLength: 60 }),
        fc.integer({ min: 1, max: 20_000 }),
        (asks, maxBytes) => {
          const shared = new SharedMessages(maxBytes);
          for (const { feed, format, sequences, isCompressed } of asks) {
            const messages = messagesOf(feed, ...sequences.sort((a, b) => a - b));
            const end = shared.endOf(feed, messages, format, isCompressed);
            expect(text(end)).toBe(text(ownEnd(messages, format, false)));
            expect(end.deflated !== undefined).toBe(isCompressed);
            if (end.deflated) expect(inflateRawSync(end.deflated).toString()).toBe(text(end));
          }
        },
      ),
    );
  });

  it("take no more memory than they may, and are rendered again when there is no room for them", () => {
    const shared = new SharedMessages(2_000);
    const first = shared.endOf("pbx", messagesOf("pbx", 1), "stasis", false);
    for (let sequence = 2; sequence < 20; sequence += 1)
      shared.endOf("pbx", messagesOf("pbx", sequence), "stasis", false);
    const again = shared.endOf("pbx", messagesOf("pbx", 1), "stasis", false);
    expect(again.json).not.toBe(first.json);
    expect(again).toEqual(first);
    const large = messagesOf("pbx", ...Array.from({ length: 100 }, (_, index) => index + 1));
    expect(text(shared.endOf("pbx", large, "stasis", false))).toBe(text(ownEnd(large, "stasis", false)));
  });

  it("hold memory of their own only, so that an entry is as large as it counts", () => {
    const { json, deflated } = new SharedMessages().endOf("pbx", messagesOf("pbx", 1), "stasis", true);
    expect(json.buffer.byteLength).toBe(json.length);
    expect(deflated?.buffer.byteLength).toBe(deflated?.length);
  });
});
