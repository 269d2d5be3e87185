import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { z } from "zod";
import { AriPbx } from "./ariPbx.ts";
import { Journal } from "./journal.ts";
import { ManagerPbx } from "./managerPbx.ts";
import { OutboundPbx } from "./outboundPbx.ts";
import { PbxStateOfTests } from "./pbxState.ts";
import { recordedAmi, recordedStasis } from "./recordings.ts";

/**
 * A PBX as a process of its own, which a test can kill (see pbxProcess.ts). It prints one line with its ports, plays a
 * recording over and over, and writes what it handed over into the journal. SIGUSR2 ends the playing: the PBX stays, and
 * nothing happens in it any more.
 */
const { values } = parseArgs({
  options: {
    "ari-port": { type: "string", default: "0" },
    "ami-port": { type: "string", default: "0" },
    /** Where to dial, with credentials: `ws://user:password@127.0.0.1:9000/pbx1`. */
    outbound: { type: "string" },
    journal: { type: "string" },
    recording: { type: "string", default: "calls-mixed" },
    "per-second": { type: "string", default: "100" },
    /** Events to play; 0: no end. */
    count: { type: "string", default: "0" },
    /** The number of the first event. */
    first: { type: "string", default: "0" },
    "started-at": { type: "string" },
    /** So many ARI applications are waited for; with 0, any client starts the playing. */
    apps: { type: "string", default: "0" },
    /** `websocket_write_timeout`. */
    "write-timeout": { type: "string", default: "100" },
  },
});

const TICK_MILLIS = 20;
const recording = z.enum(["calls-mixed", "busy-150"]).parse(values.recording);
const journal = new Journal(values.journal);
const state = new PbxStateOfTests(Date.parse(values["started-at"] ?? new Date().toISOString()));
const ari = await AriPbx.start({
  port: Number(values["ari-port"]),
  writeTimeoutMillis: Number(values["write-timeout"]),
  journal,
  state,
});
const manager = await ManagerPbx.start({ port: Number(values["ami-port"]), journal, state });
const outbound = values.outbound === undefined ? undefined : dial(new URL(values.outbound));
console.log(JSON.stringify({ ariPort: ari.port, amiPort: manager.port }));

function dial(url: URL): OutboundPbx {
  const { username, password } = url;
  url.username = "";
  url.password = "";
  return new OutboundPbx({ url: url.href, username, password, journal, state });
}

const apps = Number(values.apps);
const isWanted = () =>
  apps > 0
    ? ari.apps.length >= apps
    : ari.apps.length > 0 || manager.clients > 0 || outbound?.isConnected === true;
while (!isWanted()) await pause(TICK_MILLIS);

const stasis = recordedStasis(recording);
const ami = recordedAmi(recording);
const perTick = (Number(values["per-second"]) * TICK_MILLIS) / 1000;
const count = Number(values.count) || Number.POSITIVE_INFINITY;
const first = Number(values.first);
let isPlaying = true;
process.on("SIGUSR2", () => {
  isPlaying = false;
});
const startedAt = performance.now();
for (let played = 0; played < count && isPlaying; ) {
  const due = Math.min(count, Math.ceil(((performance.now() - startedAt) / TICK_MILLIS) * perTick));
  for (; played < due; played += 1) {
    // A number of its own makes every event one that can be found again.
    const event = numbered(stasis[played % stasis.length] ?? "", first + played);
    ari.emit(event);
    outbound?.emit(event);
    manager.emit(numberedBlock(ami[played % ami.length] ?? Buffer.alloc(0), first + played));
  }
  await pause(TICK_MILLIS);
}

function numbered(event: string, number: number): string {
  return event.replace(/^\{/, `{"played":${number},`);
}

function numberedBlock(block: Buffer, number: number): Buffer {
  return Buffer.concat([block.subarray(0, -2), Buffer.from(`Played: ${number}\r\n\r\n`)]);
}
