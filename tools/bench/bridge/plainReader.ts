import { parseArgs } from "node:util";
import { WebSocket } from "ws";

/** The least that a program can do with ARI's events: reads them, and counts them. Prints when it read the first and the last of `--count`. */
const { values } = parseArgs({ options: { port: { type: "string" }, count: { type: "string" } } });
const count = Number(values.count);
const authorization = `Basic ${Buffer.from("ari:secret").toString("base64")}`;
const socket = new WebSocket(`ws://127.0.0.1:${values.port}/ari/events?app=plain&subscribeAll=true`, {
  headers: { authorization },
  perMessageDeflate: false,
});
let read = 0;
socket.on("message", () => {
  read += 1;
  if (read === 1 || read === count) console.log(Date.now());
});
