import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { MAX_READ, SMALLEST_MAX_BYTES } from "../../bridge/spool/spoolLimits.ts";
import type { SpoolBatch } from "../../bridge/spool.ts";
import { bodyOf, drain, event, open, TemporaryDirectory, TestClocks } from "./support.ts";

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      count: fc.integer({ min: 1, max: 40 }),
      bytes: fc.integer({ min: 0, max: 60_000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("send" as const), records: fc.integer({ min: 1, max: 100 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("acknowledge" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("pass" as const), millis: fc.integer({ min: 0, max: 5000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
);

/** The longest record of the steps, twice: a gap record and a record may lie beyond what `read` hands out. */
const SLACK_BYTES = 130_000;

it("whatever happens, the limits hold, every record is shipped once in order or counted in a gap record at its place", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
      using directory = new TemporaryDirectory();
      const clocks = new TestClocks();
      const limits = { maxBytes: SMALLEST_MAX_BYTES, maxAgeMillis: 4000 };
      const reopen = () => open(join(directory.path, "pbx.spool"), limits, { clocks });
      let spool = reopen();
      let appended = 0;
      let inFlight: SpoolBatch | undefined;
      /** The feed, as the relay makes it of positions. */
      const feed: ReturnType<typeof bodyOf>[] = [];
      const arrive = ({ position, records }: SpoolBatch) => {
        expect(position).toBeLessThanOrEqual(feed.length + 1);
        records.forEach((record, index) => {
          const known = feed[position + index - 1];
          if (known === undefined) feed.push(bodyOf(record));
          // A resent position must be the same record: else the relay would take it for the other one.
          else expect(bodyOf(record)).toEqual(known);
        });
      };
      const acknowledge = ({ producer, position, records }: SpoolBatch) =>
        spool.acknowledge({ producer, position: position + records.length - 1, refused: [] });

      for (const each of steps) {
        if (each.do === "append") {
          spool.append(
            Array.from({ length: each.count }, () => {
              appended += 1;
              return event(appended, each.bytes);
            }),
          );
          expect(spool.measure().bytes).toBeLessThanOrEqual(SMALLEST_MAX_BYTES + SLACK_BYTES);
        } else if (each.do === "send") {
          inFlight = spool.read({ ...MAX_READ, records: each.records });
          arrive(inFlight);
        } else if (each.do === "acknowledge" && inFlight !== undefined && inFlight.records.length > 0) {
          acknowledge(inFlight);
          inFlight = undefined;
        } else if (each.do === "pass") {
          clocks.pass(each.millis);
          spool.expire();
        } else if (each.do === "restart") {
          spool.close();
          spool = reopen();
          inFlight = undefined;
        }
      }
      const { acknowledged, dropped } = spool.measure();
      arrive({ producer: spool.producer, position: acknowledged + 1, records: drain(spool) });
      expect(spool.measure()).toMatchObject({ records: 0, bytes: 0 });
      spool.close();

      let expected = 1;
      let counted = 0;
      for (const { number, reason, count } of feed) {
        if (reason === "spool-full") {
          counted += Number(count);
          expected += Number(count);
        } else {
          expect(number).toBe(expected);
          expected += 1;
        }
      }
      expect([expected, counted]).toEqual([appended + 1, dropped]);
    }),
    { numRuns: 15, endOnFailure: true },
  );
}, 120_000);
