import { afterEach, describe, expect, it } from "vitest";
import type { Source } from "../../../bridge/source.ts";
import { amiSource } from "../../../bridge/sources/ami/amiSource.ts";
import { ariSource } from "../../../bridge/sources/ari/ariSource.ts";
import { OutboundListener } from "../../../bridge/sources/outbound/outboundListener.ts";
import { systemRuntime } from "../../../bridge/sources/runtime.ts";
import { AriPbx } from "../../support/asterisk/ariPbx.ts";
import { ManagerPbx } from "../../support/asterisk/managerPbx.ts";
import { OutboundPbx } from "../../support/asterisk/outboundPbx.ts";
import { Witness } from "../../support/asterisk/witness.ts";

const QUICK = { backoff: { baseMillis: 20, maxMillis: 100 } };
const HUNDRED_MEGABYTES = 100 * 1024 * 1024;
const MEGABYTE = Buffer.alloc(1024 * 1024, "x");

const running: Source[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((source) => source.stop()));
});

function watch(source: Source): Witness {
  const witness = new Witness();
  running.push(source);
  source.start(witness);
  return witness;
}

const followAri = (url: string) =>
  watch(ariSource({ url, username: "ari", password: "secret", app: "relay" }, QUICK));
const followAmi = (port: number) =>
  watch(
    amiSource({ host: "127.0.0.1", port, username: "bridge", secret: "secret", select: "everything" }, QUICK),
  );

/** The header of an unmasked text frame. */
function frameHeader(bytes: number): Buffer {
  const header = Buffer.alloc(10);
  header.set([0x81, 127]);
  header.writeBigUInt64BE(BigInt(bytes), 2);
  return header;
}

describe("a hostile ARI", () => {
  it.each([
    ["a frame of 100 MB", "too-large", [frameHeader(HUNDRED_MEGABYTES), MEGABYTE]],
    ["garbage below the WebSocket", "protocol", [Buffer.from("GARBAGE\r\n\r\n")]],
    ["a compressed frame nobody asked for", "protocol", [Buffer.from([0xc1, 0x01, 0x41])]],
  ])("that sends %s loses the link, and is dialled again", async (_, code, bytes) => {
    await using pbx = await AriPbx.start();
    const witness = followAri(pbx.url);
    await witness.waitFor("up");
    pbx.sendBytes(Buffer.concat(bytes));
    await witness.waitFor("down");
    expect(witness.losses[0]).toMatchObject({ code, message: expect.stringContaining("127.0.0.1") });
    await witness.waitFor("up", 2);
    expect(witness.events).toEqual([]);
  });

  it("that sends binary frames loses the link", async () => {
    await using pbx = await AriPbx.start();
    const witness = followAri(pbx.url);
    await witness.waitFor("up");
    pbx.sendRaw(Buffer.from("{}"));
    await witness.waitFor("down");
    expect(witness.losses[0]).toMatchObject({ code: "protocol" });
  });

  it("that sends a message in endless pieces loses the link at the bound", async () => {
    await using pbx = await AriPbx.start();
    const witness = followAri(pbx.url);
    await witness.waitFor("up");
    // A text frame that is not the last, then continuations.
    const piece = Buffer.concat([Buffer.from([0x01, 126, 0xff, 0xff]), MEGABYTE.subarray(0, 0xffff)]);
    pbx.sendBytes(piece);
    piece[0] = 0x00;
    for (let index = 0; index < 20; index += 1) pbx.sendBytes(piece);
    await witness.waitFor("down");
    expect(witness.losses[0]).toMatchObject({ code: "too-large" });
  });

  it("passes text that is no JSON and no UTF-8: the relay judges events", async () => {
    await using pbx = await AriPbx.start();
    const witness = followAri(pbx.url);
    await witness.waitFor("up");
    pbx.sendRaw("no JSON");
    pbx.sendBytes(Buffer.from([0x81, 0x02, 0xff, 0xfe]));
    await witness.waitFor("event", 2);
    expect(witness.events.map(({ body }) => body)).toEqual([
      Buffer.from("no JSON"),
      Buffer.from([0xff, 0xfe]),
    ]);
    expect(witness.course).toEqual(["up"]);
  });

  it("that answers who it is with something else is refused, with growing waits", async () => {
    await using pbx = await AriPbx.start();
    pbx.state.ari = () => ({ status: { startup_time: "never" } });
    const witness = followAri(pbx.url);
    await witness.waitFor("failed", 3);
    expect(witness.losses[0]).toMatchObject({
      code: "protocol",
      message: expect.stringContaining("startup_time"),
    });
  });

  it("that accepts and fails again and again is dialled ever more rarely", async () => {
    await using pbx = await AriPbx.start();
    const source = ariSource(
      { url: pbx.url, username: "ari", password: "secret", app: "relay" },
      {
        backoff: { baseMillis: 10, maxMillis: 10_000 },
        runtime: { ...systemRuntime, random: () => 1 },
      },
    );
    const witness = watch(source);
    const upAt: number[] = [];
    for (let count = 1; count <= 6; count += 1) {
      await witness.waitFor("up", count);
      upAt.push(performance.now());
      pbx.sendRaw(Buffer.from("{}"));
      await witness.waitFor("down", count);
    }
    const waits = upAt.slice(1).map((at, index) => at - (upAt[index] ?? 0));
    // 10, 20, 40, 80, 160 ms at least.
    expect(waits.map((wait, index) => wait >= 10 * 2 ** index)).toEqual([true, true, true, true, true]);
  });
});

describe("a hostile Manager", () => {
  it.each([
    ["an endless line", "too-large", "x"],
    ["an endless block", "too-large", "Name: value\r\n"],
  ])("that sends %s loses the link at the bound, and is dialled again", async (_, code, piece) => {
    await using pbx = await ManagerPbx.start();
    const witness = followAmi(pbx.port);
    await witness.waitFor("up");
    pbx.sendBytes(Buffer.from(`Event: Endless\r\n${piece.repeat(HUNDRED_MEGABYTES / 100 / piece.length)}`));
    await witness.waitFor("down");
    expect(witness.losses[0]).toMatchObject({ code, message: expect.stringContaining("127.0.0.1") });
    await witness.waitFor("up", 2);
  });

  it("that greets with an endless line is refused at once", async () => {
    await using pbx = await ManagerPbx.start();
    pbx.greeting = "Asterisk Call Manager/".padEnd(5_000_000, "1");
    const witness = followAmi(pbx.port);
    await witness.waitFor("failed", 2);
    expect(witness.losses[0]).toMatchObject({ code: "protocol" });
  });

  it("that sends blocks which are no events changes nothing", async () => {
    await using pbx = await ManagerPbx.start();
    const witness = followAmi(pbx.port);
    await witness.waitFor("up");
    pbx.sendBytes(
      Buffer.from(
        "Response: Success\r\n\r\nGarbage\r\n\r\n\r\n\r\n: :\r\n\r\nEvent: NoPrivilege\r\n\r\nEvent: Cdr\r\nPrivilege: cdr,all\r\n\r\n",
      ),
    );
    await witness.waitFor("event", 2);
    expect(witness.texts[1]).toBe("Event: Cdr\r\nPrivilege: cdr,all\r\n\r\n");
    expect(witness.events).toHaveLength(2);
    expect(witness.course).toEqual(["up"]);
  });
});

describe("a hostile PBX that dials", () => {
  it("loses the link when its message is too large, and other PBXs keep theirs", async () => {
    const listener = new OutboundListener({ host: "127.0.0.1", port: 0 });
    const port = await listener.listen();
    const [bad, good] = ["bad", "good"].map((name) => {
      const access = { path: `/${name}`, username: name, password: "secret" };
      return {
        witness: watch(listener.source(access)),
        pbx: new OutboundPbx({ url: `ws://127.0.0.1:${port}/${name}`, username: name, password: "secret" }),
      };
    });
    await bad?.witness.waitFor("up");
    await good?.witness.waitFor("up");
    bad?.pbx.emit(JSON.stringify({ type: "Huge", filling: "x".repeat(17 * 1024 * 1024) }));
    await bad?.witness.waitFor("down");
    expect(bad?.witness.losses[0]).toMatchObject({ code: "too-large" });
    good?.pbx.emit('{"type":"Small"}');
    await good?.witness.waitFor("event", 2);
    expect(good?.witness.course).toEqual(["up"]);
    bad?.pbx[Symbol.dispose]();
    good?.pbx[Symbol.dispose]();
    await Promise.all(running.splice(0).map((source) => source.stop()));
    await listener.close();
  });
});
