import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isEvent } from "../../bridge/sources/ami/amiBlock.ts";
import { AmiFramer } from "../../bridge/sources/ami/amiFramer.ts";
import { ariSource } from "../../bridge/sources/ari/ariSource.ts";
import { asOneLine } from "../../bridge/sources/webSocketText.ts";
import { readAmiEvents } from "../../shared/ami/amiEvents.ts";
import { AriPbx } from "../support/asterisk/ariPbx.ts";
import { FaultyNetwork } from "../support/asterisk/faultyNetwork.ts";
import { recordedAmi, recordedStasis } from "../support/asterisk/recordings.ts";
import { Witness } from "../support/asterisk/witness.ts";

const GREETING = Buffer.from("Asterisk Call Manager/12.0.0\r\n");

/** A block as Manager may write it: any bytes in a value, line feeds of its own included. */
const blocks = fc.array(
  fc
    .array(
      fc.string({ unit: fc.constantFrom("a", ":", " ", "\n", "\r", "\0", "\xfc", "\xff"), maxLength: 12 }),
      {
        minLength: 1,
        maxLength: 5,
      },
    )
    .map(
      (values) =>
        `Event: E\r\nPrivilege: call,all\r\n${values.map((value) => `H: ${value}\r\n`).join("")}\r\n`,
    )
    // That would be the end of the block. Nobody could tell it from Manager's own.
    .filter((text) => text.indexOf("\r\n\r\n") === text.length - 4),
  { maxLength: 8 },
);

/** Every text in pieces that are cut anywhere. */
function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [
    0,
    ...cuts.map((place) => place % (bytes.length + 1)).sort((one, two) => one - two),
    bytes.length,
  ];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

function framed(pieces: readonly Buffer[]): string[] {
  const framer = new AmiFramer();
  return pieces.flatMap((piece) => [...framer.feed(piece)]).map((block) => block.toString("latin1"));
}

describe("the blocks of Manager", () => {
  it("are the same however the network cuts the bytes", () => {
    fc.assert(
      fc.property(blocks, fc.array(fc.nat(), { maxLength: 30 }), (texts, cuts) => {
        const bytes = Buffer.concat([GREETING, ...texts.map((text) => Buffer.from(text, "latin1"))]);
        expect(framed(cut(bytes, cuts))).toEqual(framed([bytes]));
      }),
    );
  });

  it("are whole, and the relay reads each as one event", () => {
    fc.assert(
      fc.property(blocks, (texts) => {
        const bytes = Buffer.concat([GREETING, ...texts.map((text) => Buffer.from(text, "latin1"))]);
        const [greeting, ...rest] = framed([bytes]);
        expect(greeting).toBe(GREETING.toString());
        const withoutLineEnds = (text: string) => text.replaceAll(/[\r\n\0]/g, "");
        expect(rest.map(withoutLineEnds)).toEqual(texts.map(withoutLineEnds));
        for (const text of rest) {
          expect(isEvent(Buffer.from(text, "latin1"))).toBe(true);
          expect(readAmiEvents(Buffer.from(text, "latin1"))).toMatchObject({
            events: [{ ami: {} }],
            skipped: 0,
          });
        }
      }),
    );
  });

  it("of a recording are the same byte by byte", () => {
    const recorded = recordedAmi("calls-mixed");
    const bytes = Buffer.concat([GREETING, ...recorded]);
    const pieces = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    expect(framed(pieces).slice(1)).toEqual(recorded.map((block) => block.toString("latin1")));
    for (const block of recorded)
      expect(readAmiEvents(block)).toMatchObject({ events: [{ ami: {} }], skipped: 0 });
  });
});

describe("ARI's events", () => {
  it("are the same however the network cuts the bytes", async () => {
    const events = recordedStasis("calls-mixed").slice(0, 150);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 }),
        async (sizes) => {
          let piece = 0;
          await using pbx = await AriPbx.start();
          await using network = await FaultyNetwork.start(pbx.port, () => {
            piece += 1;
            return sizes[piece % sizes.length] ?? 1;
          });
          const url = `http://127.0.0.1:${network.port}`;
          const source = ariSource({ url, username: "ari", password: "secret", app: "relay" });
          const witness = new Witness();
          source.start(witness);
          await witness.waitFor("up");
          for (const event of events) pbx.emit(event);
          await witness.waitFor("event", events.length);
          expect(witness.texts).toEqual(events);
          await source.stop();
        },
      ),
      { numRuns: 10 },
    );
  });

  it("mean the same on one line", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value = JSON.parse(text);
        const line = asOneLine(Buffer.from(JSON.stringify(value, null, "\t").replaceAll("\n", "\r\n")));
        expect(line?.toString()).not.toMatch(/[\r\n]/);
        expect(JSON.parse(line?.toString() ?? "")).toEqual(value);
      }),
    );
  });
});
