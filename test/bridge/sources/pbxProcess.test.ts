import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { amiSource } from "../../../bridge/sources/ami/amiSource.ts";
import { ariSource } from "../../../bridge/sources/ari/ariSource.ts";
import { Journal, textsOf } from "../../support/asterisk/journal.ts";
import { PbxProcess } from "../../support/asterisk/pbxProcess.ts";
import { Witness } from "../../support/asterisk/witness.ts";
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
    count: 100,
  });
  for (const witness of [ari, ami]) {
    await witness.waitFor("up", 2);
    await eventually("the last event", () => /\b"?[Pp]layed"?:\s?99\b/.test(witness.texts.at(-1) ?? ""));
    expect(witness.identities.map(({ startedAtEpochMillis }) => startedAtEpochMillis)).toEqual([
      Date.parse("2026-11-27T10:00:00Z"),
      Date.parse("2026-11-27T11:00:00Z"),
    ]);
  }
  await Promise.all([source.stop(), manager.stop()]);
  expect(again.ariPort).toBe(pbx.ariPort);

  // The journal lacks at most what was handed to the system in the instant of the kill.
  const noted = Journal.read(journal);
  const first = (prefix: string) => noted.filter(({ socket }) => socket.startsWith(prefix)).length;
  expect(first("ari-")).toBeGreaterThan(250);
  const unknown = (texts: string[], journalled: string[]) => {
    const known = new Set(journalled);
    return texts.filter((text) => !known.has(text));
  };
  const texts = textsOf(noted);
  expect(unknown(ari.texts, texts).length).toBeLessThan(30);
  expect(new Set(ari.texts).size + 100).toBeGreaterThanOrEqual(ari.texts.length);
});
