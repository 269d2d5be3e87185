import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { amiSource } from "../../../bridge/sources/ami/amiSource.ts";
import { ariSource } from "../../../bridge/sources/ari/ariSource.ts";
import { Journal, textsOf } from "../../support/asterisk/journal.ts";
import { PbxProcess } from "../../support/asterisk/pbxProcess.ts";
import { type Happening, Witness } from "../../support/asterisk/witness.ts";
import { eventually } from "../../support/eventually.ts";

const folder = mkdtempSync(join(tmpdir(), "pbx-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const QUICK = { backoff: { baseMillis: 50, maxMillis: 200 } };

it("a killed PBX loses nothing that a source has received, and a new one is another epoch", async () => {
  const journal = join(folder, "journal");
  const options = { journal, "per-second": 500, "started-at": "2026-11-27T10:00:00Z" };
  const pbx = await PbxProcess.start(options);
  const ari = new Witness();
  const ami = new Witness();
  const source = ariSource(
    { url: `http://127.0.0.1:${pbx.ariPort}`, username: "ari", password: "secret", app: "relay" },
    QUICK,
  );
  const manager = amiSource(
    { host: "127.0.0.1", port: pbx.amiPort, username: "bridge", secret: "secret", select: "everything" },
    QUICK,
  );
  source.start(ari);
  manager.start(ami);
  await ari.waitFor("event", 200);
  await ami.waitFor("event", 200);
  await pbx.kill("SIGKILL");
  await ari.waitFor("down");
  await ami.waitFor("down");

  const ports = { "ari-port": pbx.ariPort, "ami-port": pbx.amiPort };
  await using again = await PbxProcess.start({
    ...options,
    ...ports,
    "started-at": "2026-11-27T11:00:00Z",
    count: 1_000,
  });
  for (const witness of [ari, ami]) {
    await witness.waitFor("up", 2);
    await eventually("the last event", () => /\b"?[Pp]layed"?:\s?999\b/.test(witness.texts.at(-1) ?? ""));
    expect(witness.identities.map(({ startedAtEpochMillis }) => startedAtEpochMillis)).toEqual([
      Date.parse("2026-11-27T10:00:00Z"),
      Date.parse("2026-11-27T11:00:00Z"),
    ]);
  }
  await Promise.all([source.stop(), manager.stop()]);
  expect(again.ariPort).toBe(pbx.ariPort);

  // Each link's events come without a hole, and the journal has what the dead PBX handed over.
  for (const witness of [ari, ami]) {
    const secondUp = witness.happenings.findLastIndex(({ kind }) => kind === "up");
    for (const part of [witness.happenings.slice(0, secondUp), witness.happenings.slice(secondUp)]) {
      const numbers = playedBy(part);
      expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    }
    expect(playedBy(witness.happenings).at(-1)).toBe(999);
  }
  expect(textsOf(Journal.read(journal)).filter((text) => text.startsWith("{")).length).toBeGreaterThan(290);
});

it("a flood of 20,000 events is read at once, although the PBX waits only 100 ms for a reader", async () => {
  await using pbx = await PbxProcess.start({ "per-second": 20_000, count: 20_000, recording: "busy-150" });
  const witness = new Witness();
  const source = ariSource(
    { url: `http://127.0.0.1:${pbx.ariPort}`, username: "ari", password: "secret", app: "relay" },
    QUICK,
  );
  source.start(witness);
  await witness.waitFor("event", 20_000);
  expect(playedBy(witness.happenings)).toEqual(Array.from({ length: 20_000 }, (_, index) => index));
  expect(witness.course).toEqual(["up"]);
  await source.stop();
});

/** The numbers that the PBX gave its events. */
function playedBy(happenings: readonly Happening[]): number[] {
  return happenings.flatMap((each) => {
    if (each.kind !== "event") return [];
    const number = /^(?:\{"played":(\d+)|Event:.*\r\nPlayed: (\d+)\r\n)/s.exec(each.event.body.toString());
    return number === null ? [] : [Number(number[1] ?? number[2])];
  });
}
