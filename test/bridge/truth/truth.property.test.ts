import fc from "fast-check";
import { expect, it } from "vitest";
import { ModelBridge, ModelPbx } from "./world.ts";

const happening = fc.record({
  what: fc.constantFrom(
    "create",
    "create",
    "answer",
    "destroy",
    "bridge",
    "enter",
    "enter",
    "leave",
    "unbridge",
  ),
  choice: fc.nat(63),
});
const happenings = fc.array(happening, { maxLength: 4 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("happen" as const), events: happenings }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("receive" as const), count: fc.nat(5) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("cut" as const, "kill" as const, "restart" as const) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("up" as const, "look" as const),
      before: happenings,
      after: happenings,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lose" as const), index: fc.nat(5) }) },
);

it("after the snapshot, a subscriber's picture is the PBX's, whatever was lost before", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.boolean(),
      happenings,
      happenings,
      (steps, cuts, before, after) => {
        const pbx = new ModelPbx();
        const bridge = new ModelBridge(pbx);
        const all = (events: readonly { what: string; choice: number }[]) => () => {
          for (const { what, choice } of events) pbx.happen(what as "create", choice);
        };
        bridge.up();
        for (const each of steps) {
          if (each.do === "happen") all(each.events)();
          else if (each.do === "receive") bridge.receive(each.count);
          else if (each.do === "lose") pbx.wire.splice(each.index, 1);
          else if (each.do === "up") bridge.up(all(each.before), all(each.after));
          else if (each.do === "look" && bridge.isLinked) bridge.look(all(each.before), all(each.after));
          else if (each.do === "cut") bridge.cut();
          else if (each.do === "kill") bridge.kill();
          else if (each.do === "restart") {
            bridge.cut();
            pbx.restart();
          }
        }
        // The last question repairs everything, although more happens meanwhile. Then all that is on the wire arrives.
        if (cuts) bridge.cut();
        bridge.up(all(before), all(after));
        bridge.receive();
        bridge.look(all(after), all(before));
        bridge.receive();

        const { subscriber, truth } = bridge;
        expect(truth.known.channels).toEqual(pbx.channels);
        expect(truth.known.bridges).toEqual(pbx.bridges);
        expect(subscriber.channels).toEqual(pbx.channels);
        expect(subscriber.bridges).toEqual(pbx.bridges);
        // Who reads beginnings and ends alone shows no call for ever, and gets no end twice.
        const alive = [...pbx.channels.keys(), ...pbx.bridges.keys()];
        expect([...subscriber.begun].filter((id) => !alive.includes(id))).toEqual([]);
        expect(subscriber.ended.length).toBe(new Set(subscriber.ended).size);
        // A bridge that is killed now knows the same.
        bridge.kill();
        expect(bridge.truth.known.channels).toEqual(pbx.channels);
        expect(bridge.truth.known.bridges).toEqual(pbx.bridges);
        expect(bridge.look()).toBe(false);
      },
    ),
    { numRuns: 2_000 },
  );
});
