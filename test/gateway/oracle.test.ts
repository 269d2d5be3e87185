import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AmiUser } from "../../gateway/users.ts";
import { readAmiEvents } from "../../shared/ami/amiEvents.ts";
import type { AmiMessage } from "../../shared/ami/amiMessage.ts";
import { AmiParser, readAmi } from "../../shared/ami/amiParser.ts";
import { bytesOf } from "../../shared/ami/amiText.ts";
import { EMPTY_CALL_MEMORY } from "../../shared/ami/callMemory.ts";
import { AmiConverter } from "../../shared/ami/convert.ts";
import { type Message, renderAmiOnly, renderMessage } from "../../shared/queue/message.ts";
import { readEvent } from "../../shared/stasis/event.ts";
import { compare } from "../../tools/conformance/compare.ts";
import { asCompared } from "../../tools/conformance/recording.ts";
import { AmiClient } from "../support/amiClient.ts";
import { eventually } from "../support/eventually.ts";
import { amiUser, FEED, type GatewayUnderTest, startTestGateway } from "../support/gatewayUnderTest.ts";

const recordings = join(import.meta.dirname, "../../local/recordings");

/** Users like those of the recordings, and what each sends with its login. */
const VIEWS: readonly { readonly name: string; readonly user: Partial<AmiUser>; readonly login?: string }[] =
  [
    { name: "all", user: {} },
    { name: "callonly", user: { read: "call" } },
    { name: "masked", user: {}, login: "Events: call,user\r\n" },
    {
      name: "filtered",
      user: {
        eventFilters: [
          "eventfilter(action(include),name(Newchannel))",
          "eventfilter(action(include),name(Hangup))",
        ],
      },
    },
    { name: "legacyfilter", user: { eventFilters: ["!Event: VarSet", "!Event: DTMF.*"] } },
  ];

/** The last event of each test's feed, by which a client knows that it has everything. */
const END = "Event: TheEnd\r\nPrivilege: call,all\r\n\r\n";
const PAGE_MESSAGES = 50;

/** Logins are another matter: each session of the recording saw those of the others. */
const isAboutLogins = ({ name }: AmiMessage) => name === "FullyBooted" || name === "SuccessfulAuth";

function eventsIn(bytes: Buffer): AmiMessage[] {
  const parser = new AmiParser();
  const items = [...parser.feed(bytes), ...parser.end()];
  return items
    .flatMap((item) => ("kind" in item && item.kind === "event" ? [readAmi(item)] : []))
    .filter((message) => !isAboutLogins(message));
}

function read(recording: string, file: string): Buffer {
  return gunzipSync(readFileSync(join(recordings, recording, file)));
}

/** The texts of `wanted`, in the order that they have in `all`. */
function inOrderOf(all: readonly string[], wanted: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const text of wanted) left.set(text, (left.get(text) ?? 0) + 1);
  return all.filter((text) => {
    const count = left.get(text) ?? 0;
    left.set(text, count - 1);
    return count > 0;
  });
}

const bytes = (message: AmiMessage) => bytesOf(message).toString("latin1");

describe.each(["calls-mixed", "busy-150"])(
  "with the calls of %s, a session gets what Manager sent it:",
  (recording) => {
    const amiSource = readAmiEvents(read(recording, "ami-all.txt.gz")).events.flatMap((item): Message[] =>
      "ami" in item ? [renderAmiOnly(item.ami, "")] : [],
    );
    const converter = new AmiConverter(EMPTY_CALL_MEMORY);
    const stasisSource = read(recording, "stasis.ndjson.gz")
      .toString("utf8")
      .split("\n")
      .flatMap((line): Message[] => {
        const item = line === "" ? undefined : readEvent(line);
        if (item === undefined || !("event" in item)) return [];
        const ami = converter.convert(item.event);
        converter.passed(item.event);
        return [renderMessage(item.event.type, item.event.timestamp ?? "", item.event.text, ami)];
      });

    describe.each([
      ["AMI", amiSource],
      ["Stasis", stasisSource],
    ] as const)("from %s,", (source, messages) => {
      let world: GatewayUnderTest;
      const got = new Map<string, AmiMessage[]>();

      beforeAll(async () => {
        const users = VIEWS.map(({ name, user }) => amiUser({ username: name, ...user }));
        // The end is found by its name in every view.
        const withEnd = users.map((user) =>
          user.username === "filtered"
            ? { ...user, eventFilters: [...user.eventFilters, "eventfilter(action(include),name(TheEnd))"] }
            : user,
        );
        world = await startTestGateway({ users: withEnd });
        const clients = await Promise.all(
          VIEWS.map(({ name, login = "" }) => AmiClient.login(world.port, name, login)),
        );
        for (let from = 0; from < messages.length; from += PAGE_MESSAGES)
          world.feeds.append(FEED, messages.slice(from, from + PAGE_MESSAGES));
        world.feeds.append(FEED, [renderAmiOnly(readAmi(END), "")]);
        for (const [index, client] of clients.entries()) {
          const end = "Event: TheEnd";
          await eventually(`the end of ${VIEWS[index]?.name}`, () => client.received.includes(end), 30_000);
          const received = Buffer.from(client.received.slice(0, client.received.lastIndexOf(end)), "latin1");
          got.set(VIEWS[index]?.name ?? "", eventsIn(received));
          client[Symbol.dispose]();
        }
      });
      afterAll(() => world.gateway.stop());

      it.each(VIEWS.map(({ name }) => name))("the view %s", (name) => {
        const sent = eventsIn(read(recording, `ami-${name}.txt.gz`));
        const made = got.get(name) ?? [];
        if (source === "AMI") {
          // Byte for byte, in the order of the source's session: Asterisk itself queues the events of two threads in
          // different orders for different sessions.
          const all = eventsIn(read(recording, "ami-all.txt.gz"));
          expect(made.map(bytes)).toEqual(inOrderOf(all.map(bytes), sent.map(bytes)));
          expect(made.length).toBe(sent.length);
          return;
        }
        const { differences, tallies } = compare(sent.map(asCompared), made.map(asCompared));
        expect(differences).toEqual([]);
        const equal = tallies.reduce((sum, tally) => sum + tally.equal, 0);
        expect(equal / made.length).toBeGreaterThan(0.99);
      });
    });
  },
);
