import fc from "fast-check";
import { type BadBehaviour, badBehaviours, tcp } from "../badEndpoints.ts";
import { someEvents } from "../testRelay.ts";
import { FEED, largeInput, settled, withSessions } from "./largeInput.ts";

const answered = { kind: "accepted" } as const;

/** What badEndpoints.ts has no need for, because the outcome is not the point. */
const largeBehaviours: readonly BadBehaviour[] = [
  tcp("a flood of informational responses", answered, (socket) => {
    const flood = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(1000);
    const write = () => {
      while (!socket.destroyed && socket.write(flood));
    };
    socket.on("drain", write);
    write();
  }),
  ...[
    "0",
    "-1",
    "1e9",
    "9".repeat(10_000),
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
  ].map((value) =>
    tcp(`Retry-After of ${value.slice(0, 20)}`, answered, (socket) =>
      socket.write(`HTTP/1.1 503 Busy\r\nretry-after: ${value}\r\ncontent-length: 0\r\n\r\n`),
    ),
  ),
  tcp("a response without a request after it", answered, (socket) =>
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".repeat(10_000)),
  ),
  tcp("a chunk extension without end", answered, (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;${"x".repeat(1_000_000)}`);
  }),
  tcp("many headers", answered, (socket) =>
    socket.write(`HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(2500)}content-length: 0\r\n\r\n`),
  ),
];

const behaviours = [...badBehaviours.filter(({ name }) => !name.includes("resolve")), ...largeBehaviours];

/** Many sessions whose endpoints answer badly, and many appends for them. */
export const largeAnswers = fc
  .record({
    behaviour: fc.constantFrom(...behaviours.map(({ name }) => name)),
    sessions: fc.integer({ min: 1, max: 30 }),
    appends: fc.integer({ min: 1, max: 10 }),
  })
  .map((facts) =>
    largeInput("answers", facts, () => async (relay) => {
      const behaviour = behaviours.find(({ name }) => name === facts.behaviour);
      if (behaviour === undefined) return;
      await using endpoint = await behaviour.start();
      // One origin for each session: connections to one origin have a limit of their own.
      const wanted = Array.from({ length: facts.sessions }, (_, n) => ({
        feed: FEED,
        url: `${endpoint.scheme}://s${n}.localhost:${endpoint.port}/`,
      }));
      await withSessions(relay, wanted, async () => {
        for (let time = 0; time < facts.appends; time += 1)
          await settled([relay.append(FEED, someEvents(20))]);
        await new Promise((resolve) => setTimeout(resolve, 1_500));
      });
    }),
  );
