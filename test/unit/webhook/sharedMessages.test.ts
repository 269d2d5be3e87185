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
  it("are rendered once for the same numbers of a feed, and compressed once", async () => {
    const shared = new SharedMessages();
    const first = await shared.endOf("pbx", messagesOf("pbx", 1, 2, 3), "stasis", true);
    const again = await shared.endOf("pbx", messagesOf("pbx", 1, 2, 3), "stasis", true);
    expect(again.json).toBe(first.json);
    expect(again.deflated).toBe(first.deflated);
    expect(await shared.endOf("pbx", messagesOf("pbx", 1, 2, 3), "stasis", false)).toEqual({
      json: first.json,
      deflated: undefined,
    });
  });

  it("are compressed once for sessions that ask at the same time, in a thread when they are many", async () => {
    const shared = new SharedMessages();
    const many = messagesOf("pbx", ...Array.from({ length: 2_000 }, (_, index) => index + 1));
    const ends = await Promise.all([1, 2, 3].map(() => shared.endOf("pbx", many, "stasis", true)));
    const [first] = ends;
    expect(new Set(ends.map(({ deflated }) => deflated)).size).toBe(1);
    expect(first?.json.length).toBeGreaterThan(128 * 1024);
    expect(first?.deflated && inflateRawSync(first.deflated)).toEqual(Buffer.from(first?.json ?? []));
  });

  it("are those of exactly these numbers, this feed and this format, whatever was asked for before", async () => {
    const feed = fc.constantFrom("a", "b", "a 1-1", "1");
    const format = fc.constantFrom<MessageFormat>("stasis", "ami");
    const sequences = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });
    const ask = fc.record({ feed, format, sequences, isCompressed: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(ask, { minLength: 20, maxLength: 60 }),
        fc.integer({ min: 1, max: 20_000 }),
        async (asks, maxBytes) => {
          const shared = new SharedMessages(maxBytes);
          for (const { feed, format, sequences, isCompressed } of asks) {
            const messages = messagesOf(feed, ...sequences.sort((a, b) => a - b));
            const end = await shared.endOf(feed, messages, format, isCompressed);
            expect(text(end)).toBe(text(await ownEnd(messages, format, false)));
            expect(end.deflated !== undefined).toBe(isCompressed);
            if (end.deflated) expect(inflateRawSync(end.deflated).toString()).toBe(text(end));
          }
        },
      ),
    );
  });

  it("take no more memory than they may, and are rendered again when there is no room for them", async () => {
    const shared = new SharedMessages(2_000);
    const first = await shared.endOf("pbx", messagesOf("pbx", 1), "stasis", false);
    for (let sequence = 2; sequence < 20; sequence += 1)
      await shared.endOf("pbx", messagesOf("pbx", sequence), "stasis", false);
    const again = await shared.endOf("pbx", messagesOf("pbx", 1), "stasis", false);
    expect(again.json).not.toBe(first.json);
    expect(again).toEqual(first);
    const large = messagesOf("pbx", ...Array.from({ length: 100 }, (_, index) => index + 1));
    expect(text(await shared.endOf("pbx", large, "stasis", false))).toBe(
      text(await ownEnd(large, "stasis", false)),
    );
  });

  it("hold memory of their own only, so that an entry is as large as it counts", async () => {
    const { json, deflated } = await new SharedMessages().endOf("pbx", messagesOf("pbx", 1), "stasis", true);
    expect(json.buffer.byteLength).toBe(json.length);
    expect(deflated?.buffer.byteLength).toBe(deflated?.length);
  });
});
