import { describe, expect, it } from "vitest";
import { HandOns } from "../../../functions/deliver/handOns.ts";
import type { GroupWake } from "../../../shared/queue/hints.ts";

const END = 10_000;

function handOnsOf(
  groups: readonly string[],
  takes: (group: GroupWake) => boolean = () => true,
  handsOnAtOnce = false,
) {
  const alone: string[] = [];
  const together: string[][] = [];
  const clock = {
    now: END,
    /** Ends the gathering when the test says so. */
    timeIsOver: () => {},
  };
  const handOns = new HandOns(
    {
      handsOnAtOnce,
      wakes: {
        sendWake: async ({ group }, delayMillis = 0) => void alone.push(`${group} in ${delayMillis}`),
        sendWakes: async (wakes) => {
          together.push(wakes.map(({ group }) => group));
          return wakes.filter(takes);
        },
      },
      clock: {
        nowEpochMillis: () => clock.now,
        sleep: (_millis, signal) =>
          new Promise((resolve) => {
            clock.timeIsOver = resolve;
            if (signal?.aborted) resolve();
            signal?.addEventListener("abort", () => resolve());
          }),
      },
    },
    groups,
    END,
  );
  const handOn = (group: string, delayMillis?: number) =>
    handOns.sendWake({ feed: "pbx", group }, delayMillis);
  return { handOns, handOn, alone, together, clock };
}

describe("the groups of one wake, when the time of their turns is over", () => {
  it("go at once, each by itself, where everything runs in one process", async () => {
    const { handOn, alone, together } = handOnsOf(["a", "b"], undefined, true);
    await handOn("a");
    expect(alone).toEqual(["a in 0"]);
    expect(together).toEqual([]);
  });

  it("are handed on by one wake", async () => {
    const { handOn, alone, together } = handOnsOf(["a", "b", "c"]);
    await Promise.all([handOn("b"), handOn("a"), handOn("c")]);
    expect(together).toEqual([["b", "a", "c"]]);
    expect(alone).toEqual([]);
  });

  it("do not wait for a group whose turn has ended", async () => {
    const { handOns, handOn, together } = handOnsOf(["a", "b", "c"]);
    handOns.ended("c");
    const both = [handOn("a"), handOn("b")];
    await Promise.all(both);
    expect(together).toEqual([["a", "b"]]);
  });

  it("do not wait long for one that is still at work: its own wake comes later", async () => {
    const { handOn, alone, together, clock } = handOnsOf(["a", "b", "c"]);
    const both = [handOn("a"), handOn("b")];
    clock.timeIsOver();
    await Promise.all(both);
    await handOn("c");
    expect(together).toEqual([["a", "b"]]);
    expect(alone).toEqual(["c in 0"]);
  });

  it("fail when SQS did not take the wake, so that it is sent again", async () => {
    const { handOn } = handOnsOf(["a", "b"], () => false);
    const both = [handOn("a"), handOn("b")];
    for (const each of both)
      await expect(each).rejects.toMatchObject({ code: "wake.not-sent", retryable: true });
  });
});

describe("a wake that goes at once", () => {
  it("is one before the time is over, as of a group whose endpoints do not answer", async () => {
    const { handOn, alone, together, clock } = handOnsOf(["a", "b"]);
    clock.now = END - 1;
    await handOn("a");
    expect(alone).toEqual(["a in 0"]);
    clock.now = END;
    await Promise.all([handOn("b"), handOn("a")]);
    expect(together.flat().sort()).toEqual(["a", "b"]);
  });

  it("is one that is delayed", async () => {
    const { handOn, alone } = handOnsOf(["a", "b"]);
    await handOn("a", 5_000);
    expect(alone).toEqual(["a in 5000"]);
  });

  it("is one for a group that was handed on before, when a late request of it has ended", async () => {
    const { handOn, alone } = handOnsOf(["a"]);
    await handOn("a");
    await handOn("a");
    expect(alone).toEqual(["a in 0"]);
  });
});
