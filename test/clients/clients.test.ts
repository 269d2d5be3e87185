import { join } from "node:path";
import { afterAll, beforeAll, describe, inject, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { TestRelay } from "../support/testRelay.ts";
import { Cable } from "./cable.ts";
import { Client } from "./client.ts";
import {
  type Library,
  type LibraryEvent,
  NODE_FOLDER,
  NODE_LIBRARIES,
  PYTHON_FOLDER,
  PYTHON_LIBRARIES,
} from "./libraries.ts";
import { fieldsIn, LAST, RECORDED } from "./recordedCalls.ts";

const pythons = inject("pythons");
const WITHIN_MILLIS = 60_000;

let relay: TestRelay;
beforeAll(async () => {
  relay = await TestRelay.start({}, undefined, { amiPort: 0 });
});
afterAll(() => relay[Symbol.asyncDispose]());

function commandOf({ name, program }: Library): [string, ...string[]] {
  const python = pythons[name];
  return python === undefined
    ? [process.execPath, join(NODE_FOLDER, program)]
    : [python, join(PYTHON_FOLDER, program)];
}

/** A user of its own feed, a cable to the gateway, and the library's program at its other end. */
async function follow(library: Library, feed: string, options: object, cutAfterBytes?: number) {
  const { secret } = await relay.createSession({ kind: "ami", feed, username: feed, ...options });
  const cable = await Cable.to(relay.relay.amiPorts.port ?? 0);
  if (cutAfterBytes !== undefined) cable.cutAfterBytes = cutAfterBytes;
  const client = new Client(commandOf(library), {
    ...library.environment,
    AMI_PORT: String(cable.port),
    AMI_USERNAME: feed,
    AMI_SECRET: secret,
  });
  return { cable, client };
}

async function append(feed: string, events: readonly string[]): Promise<void> {
  for (let from = 0; from < events.length; from += 50)
    await relay.appendAmi(feed, events.slice(from, from + 50).join(""));
}

async function until(client: Client, what: string, isSo: () => boolean): Promise<void> {
  try {
    await eventually(what, () => client.hasEnded || isSo(), WITHIN_MILLIS);
  } catch (error) {
    throw new Error(`${client.events.length} events; the program printed: ${client.output}`, {
      cause: error,
    });
  }
  if (client.hasEnded) throw new Error(`the program ended and printed: ${client.output}`);
}

const isLast = (event: LibraryEvent) => Object.values(event).includes("Last");

/** The gateway itself sends this one, at each login. */
const isOfLogin = (event: LibraryEvent) => Object.values(event).includes("FullyBooted");

/** The recorded events and the last one, which a feed has as its messages 1, 2, 3 … */
const APPENDED = [...RECORDED, LAST];
const BYTES = Buffer.byteLength(APPENDED.join(""));

/** With the header that a user with `sequenceHeader` gets. */
const numbered = (text: string, number: number) => `${text.slice(0, -2)}RelaySequence: ${number}\r\n\r\n`;

describe.each([...NODE_LIBRARIES, ...PYTHON_LIBRARIES])("$name", { concurrent: true }, (library) => {
  const given = (texts: readonly string[]) =>
    texts.map((text) => library.read(fieldsIn(text))).filter((event) => event !== undefined);

  it("receives a whole recording, as from Asterisk", async ({ expect }) => {
    const feed = `whole-${library.name}`;
    const { cable, client } = await follow(library, feed, {});
    await using _cable = cable;
    await using _client = client;
    await until(client, "the login", () => cable.logins === 1);
    await append(feed, APPENDED);
    await until(client, "the last event", () => client.events.some(isLast));

    expect(client.events.filter((event) => !isOfLogin(event))).toEqual(given(APPENDED));
  });

  it("connects again after a cut in the middle of an event, and misses nothing", async ({ expect }) => {
    const feed = `cut-${library.name}`;
    const { cable, client } = await follow(
      library,
      feed,
      { resume: true, sequenceHeader: true },
      Math.round(BYTES / 2),
    );
    await using _cable = cable;
    await using _client = client;
    await append(feed, RECORDED);
    await until(client, "the second login", () => cable.logins === 2);
    await append(feed, [LAST]);
    await until(client, "the last event", () => client.events.some(isLast));

    expect(cable.lastBeforeCut).not.toBe("\r\n\r\n");
    const events = client.events.filter((event) => !isOfLogin(event));
    const numberOf = (event: LibraryEvent) => Number(event.RelaySequence ?? event.relaysequence);
    // What was sent in the seconds before the cut comes again, from one place on.
    const stepsBack = events.filter((event, index) => {
      const before = events[index - 1];
      return before !== undefined && numberOf(event) <= numberOf(before);
    });
    expect(stepsBack.length).toBeLessThanOrEqual(1);
    const byNumber = new Map(events.map((event) => [numberOf(event), event]));
    expect([...byNumber.entries()].sort(([a], [b]) => a - b).map(([, event]) => event)).toEqual(
      given(APPENDED.map((text, index) => numbered(text, index + 1))),
    );
  });
});
