import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { AriPbx } from "../../support/asterisk/ariPbx.ts";
import { ManagerPbx } from "../../support/asterisk/managerPbx.ts";
import { recordedStasis } from "../../support/asterisk/recordings.ts";
import { eventually } from "../../support/eventually.ts";

const dialogues = z
  .array(
    z.object({
      name: z.string(),
      log: z.array(
        z.union([
          z.object({ recv: z.string() }),
          z.object({ send: z.string() }),
          z.object({ closed: z.boolean() }),
        ]),
      ),
    }),
  )
  .parse(JSON.parse(readFileSync(new URL("../../support/asterisk/dialogues.json", import.meta.url), "utf8")));

/** Without what differs from one run to the next. */
const constant = (text: string) => text.replace(/Timestamp: \d+\.\d{6}/g, "Timestamp: T");

describe("the replaying Manager", () => {
  it.each(dialogues)("answers like the recorded one: $name", async ({ log }) => {
    const isAdmin = JSON.stringify(log).includes("amipass");
    const user = isAdmin
      ? { name: "ami", secret: "amipass", write: ["system", "reporting"] }
      : { name: "nowrite", secret: "nowritepass", write: [] };
    await using pbx = await ManagerPbx.start({ user, failureMillis: 20 });
    const socket = connect(pbx.port, "127.0.0.1");
    let received = "";
    let isClosed = false;
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
    });
    socket.on("close", () => {
      isClosed = true;
    });
    for (const step of log) {
      if ("send" in step) socket.write(step.send);
      else if ("recv" in step) {
        const expected = constant(step.recv);
        await eventually(
          `an answer of ${expected.length} characters`,
          () => constant(received).length >= expected.length,
        );
        expect(constant(received)).toBe(expected);
        received = "";
      } else if (step.closed) await eventually("the end", () => isClosed);
    }
    expect(received).toBe("");
    socket.destroy();
  });
});

describe("the replaying ARI", () => {
  it("loses events of a reader that stops for longer than the write timeout, and cuts it without a word", async () => {
    await using pbx = await AriPbx.start({ writeTimeoutMillis: 100 });
    const authorization = `Basic ${Buffer.from("ari:secret").toString("base64")}`;
    const client = new WebSocket(`${pbx.url}/ari/events?app=slow`, { headers: { authorization } });
    await new Promise((open) => client.once("open", open));
    client.pause();
    const events = recordedStasis("busy-150");
    await eventually("lost events", () => {
      for (const event of events) pbx.emit(event);
      return pbx.dropped > 0;
    });
    client.terminate();
  });

  it("sends what it held back when a stall ends", async () => {
    await using pbx = await AriPbx.start();
    const authorization = `Basic ${Buffer.from("ari:secret").toString("base64")}`;
    const client = new WebSocket(`${pbx.url}/ari/events?app=one`, { headers: { authorization } });
    const texts: string[] = [];
    client.on("message", (data) => texts.push(data.toString()));
    await new Promise((open) => client.once("open", open));
    pbx.stall();
    pbx.emit('{"type":"One"}');
    await pbx.ping();
    expect(texts).toEqual([]);
    pbx.resume();
    await eventually("the event", () => texts.length === 1);
    client.terminate();
  });
});
