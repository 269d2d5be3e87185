import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AmiField, renderAmi } from "../../shared/ami/amiMessage.ts";
import { AmiParser, fieldList, fieldsOf, readAmi } from "../../shared/ami/amiParser.ts";
import { EMPTY_CALL_MEMORY } from "../../shared/ami/callMemory.ts";
import { AmiConverter } from "../../shared/ami/convert.ts";
import { compileEventFilters } from "../../shared/ami/eventFilter.ts";
import { EventFilterError } from "../../shared/errors.ts";
import { packCallMemory, unpackCallMemory } from "../../shared/queue/callMemoryCodec.ts";
import { readEvent } from "../../shared/stasis/event.ts";

/** Texts that are likely to cause trouble. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc
    .array(fc.constantFrom("\r", "\n", "\0", ":", " ", "Event: X", "\ud800", "\udc00", "ü", "\\", '"'), {
      maxLength: 8,
    })
    .map((parts) => parts.join("")),
);
const cleanValue = fc.string({ unit: "grapheme", maxLength: 20 }).filter((value) => !/[\r\n\0]/.test(value));
const headerName = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_/()-]{0,12}$/);

/** Bytes cut into chunks at arbitrary places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...ends].map((from, index) => bytes.subarray(from, ends[index] ?? bytes.length));
}

function parse(chunks: readonly Buffer[]) {
  const parser = new AmiParser();
  return [...chunks.flatMap((chunk) => [...parser.feed(chunk)]), ...parser.end()];
}

describe("AMI text", () => {
  it("is the same after rendering and parsing, however it is cut", () => {
    const message = fc.tuple(headerName, fc.array(fc.tuple(headerName, cleanValue), { maxLength: 10 }));
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (messages, places) => {
          const rendered = messages.map(([name, fields]) => renderAmi(name, ["call"], fields));
          const items = parse(cut(Buffer.from(rendered.map((each) => each.text).join("")), places));
          expect(items).toEqual(rendered.map((each) => ({ kind: "event", text: each.text })));
          rendered.forEach((each, index) => {
            expect(readAmi(each.text)).toEqual(each);
            expect([...fieldList(each.text)].slice(2)).toEqual(messages[index]?.[1]);
          });
        },
      ),
    );
  });

  it("of any bytes is split into the same blocks for any chunks, with no errors except AmiSyntaxError", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
      fc.array(text, { maxLength: 10 }).map((parts) => Buffer.from(parts.join("\r\n"))),
    );
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(), { maxLength: 10 }), (input, places) => {
        const items = parse(cut(input, places));
        expect(items).toEqual(parse([input]));
        for (const item of items)
          if ("text" in item) {
            expect(item.text).toMatch(/^(?:[^\r\n\0]+\r\n)+\r\n$/);
            expect(() => fieldsOf(item.text)).not.toThrow();
          } else expect(item.error.code).toBe("ami.syntax");
      }),
    );
  });

  it("cannot start a header, end a block or become invalid UTF-8 through any name or value", () => {
    const fields = fc.array(fc.tuple(text, text), { maxLength: 8 });
    fc.assert(
      fc.property(text, fields, (name, list: readonly AmiField[]) => {
        const { text: rendered } = renderAmi(name, ["user"], list);
        expect(rendered.split("\r\n")).toHaveLength(2 + list.length + 2);
        expect(rendered).toMatch(/^(?:[^\r\n\0]+\r\n)+\r\n$/);
        expect(rendered.isWellFormed()).toBe(true);
      }),
    );
  });
});

const TYPES = [
  "ChannelCreated",
  "ChannelDestroyed",
  "ChannelDialplan",
  "ChannelUserevent",
  "ChannelVarset",
  "ChannelEnteredBridge",
  "Dial",
  "BridgeAttendedTransfer",
  "DeviceStateChanged",
  "PeerStatusChange",
  "StasisStart",
];

const NAMES = [
  "channel",
  "caller",
  "peer",
  "bridge",
  "channels",
  "channelvars",
  "userevent",
  "id",
  "name",
  "state",
  "device_state",
  "endpoint",
  "__proto__",
];

/** JSON whose names are often the ones that conversion reads. */
const { value: json } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    text,
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...NAMES), text), tie("value"), { maxKeys: 6 }),
  ),
}));

describe("conversion", () => {
  it("of any JSON throws nothing, makes only whole blocks, and leaves a memory that can be stored", () => {
    const event = fc.tuple(
      fc.constantFrom(...TYPES),
      fc.dictionary(fc.constantFrom(...NAMES), json, { maxKeys: 8 }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 8 }), fc.boolean(), (events, wrapUnmapped) => {
        const converter = new AmiConverter(EMPTY_CALL_MEMORY, { wrapUnmapped });
        for (const [type, facts] of events) {
          const item = readEvent(JSON.stringify({ ...facts, type }));
          if (!("event" in item)) continue;
          const message = converter.convert(item.event);
          expect(converter.convert(item.event)).toEqual(message);
          converter.passed(item.event);
          if (message)
            expect(message.text).toMatch(
              /^Event: [^\r\n\0]+\r\nPrivilege: \w+,all\r\n(?:[^\r\n\0]+\r\n)*\r\n$/,
            );
        }
        expect(unpackCallMemory(packCallMemory(converter.memory()))).toEqual(converter.memory());
      }),
      { numRuns: 500 },
    );
  });
});

describe("an event filter", () => {
  it("of any text compiles or throws EventFilterError, and handles any message", () => {
    const piece = fc.constantFrom(
      "eventfilter",
      "(",
      ")",
      "action(include)",
      "name(A)",
      "header(B)",
      "method(regex)",
      "=",
      " ",
      ",",
      "[",
      "]",
      "*",
      "\\",
      "!",
      "a|b",
      "{2}",
    );
    const expression = fc.oneof(
      text,
      fc.array(piece, { maxLength: 10 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(expression, text, (written, value) => {
        const message = renderAmi("A", ["call"], [["B", value]]);
        try {
          expect(typeof compileEventFilters([written]).passes(message)).toBe("boolean");
        } catch (error) {
          expect(error).toBeInstanceOf(EventFilterError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
