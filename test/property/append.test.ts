import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Appender } from "../../functions/ingest/append.ts";
import { GroupCommit } from "../../functions/ingest/groupCommit.ts";
import { appendParts, ManualClock, MemoryQueue } from "../unit/ingest/memoryQueue.ts";
import { event, events, FEED } from "../unit/queue/samples.ts";

/** One submission of a producer: the positions that it sends or resends, and the process that it uses. */
const sends = fc.array(
  fc.record({
    producer: fc.nat(2),
    back: fc.nat(6),
    fresh: fc.nat(9),
    writer: fc.nat(1),
    lost: fc.boolean(),
  }),
  { minLength: 1, maxLength: 15 },
);

describe("appends of several producers through several processes", () => {
  it("give each position one number, in order, and every resend its original numbers", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), sends, async (scheduler, plan) => {
        const answers: { names: string[]; result: unknown }[] = [];
        const queue = new MemoryQueue();
        const parts = appendParts(queue, new ManualClock());
        const writers = ["a", "b"].map((writer) => {
          let ids = 0;
          const newAppendId = () => `${writer}-${++ids}`;
          return new GroupCommit(new Appender({ ...parts, newAppendId }));
        });
        queue.beforePut = () => scheduler.schedule(Promise.resolve(), "put");

        const producers = [0, 1, 2].map(async (id) => {
          let next = 1;
          for (const { back, fresh, writer } of plan.filter(({ producer }) => producer === id)) {
            const position = Math.max(1, next - back);
            const count = next + fresh - position;
            const submission = {
              producer: { id: `p${id}`, position },
              events: Array.from({ length: count }, (_, n) => event(`${id}:${position + n}`)),
            };
            const [result] = (await writers[writer]?.append(FEED, [submission])) ?? [];
            const expected = { accepted: fresh, duplicates: next - position, refused: [] };
            expect(result).toMatchObject(expected);
            answers.push({ names: submission.events.map((_, n) => `${id}:${position + n}`), result });
            next += fresh;
          }
          return Array.from({ length: next - 1 }, (_, n) => `${id}:${n + 1}`);
        });
        await scheduler.waitFor(Promise.all(producers));
        const sent = await Promise.all(producers);

        const got = queue.eventsOf(FEED).map(({ event: { n } }) => String(n));
        for (const [id, wanted] of sent.entries())
          expect(got.filter((name) => name.startsWith(`${id}:`))).toEqual(wanted);
        expect(got).toHaveLength(sent.flat().length);
        for (const { names, result } of answers)
          expect(result).toMatchObject({
            first: numberOf(got, names[0]),
            last: numberOf(got, names.at(-1)),
          });
      }),
      { numRuns: 200 },
    );
  });

  it("lose and double nothing when responses are lost and everything is resent", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.nat(2)), { maxLength: 12 }),
        async (plan) => {
          const queue = new MemoryQueue();
          const parts = appendParts(queue, new ManualClock());
          let appender = new Appender(parts);
          let position = 1;
          for (const [count, losses] of plan) {
            const submission = { producer: { id: "p", position }, events: events(count, position) };
            for (let loss = 0; loss < losses; loss += 1) {
              queue.afterPut = () => {
                throw new Error("the answer was lost");
              };
              await appender.append(FEED, [submission]).catch(() => {});
              queue.afterPut = () => {};
              if (loss === 1) appender = new Appender(parts);
            }
            await appender.append(FEED, [submission]);
            position += count;
          }
          expect(queue.eventsOf(FEED).map(({ event: { n } }) => Number(n))).toEqual(
            Array.from({ length: position - 1 }, (_, n) => n + 1),
          );
        },
      ),
    );
  });
});

function numberOf(names: readonly string[], name: string | undefined): number | null {
  return name === undefined ? null : names.indexOf(name) + 1;
}
