import { describe, expect, it } from "vitest";
import { renderAmi } from "../../../shared/ami/amiMessage.ts";
import { type Message, renderAmiOnly } from "../../../shared/queue/message.ts";
import type { Page } from "../../../shared/queue/page.ts";
import { cpuMillis, systemClock } from "../../../shared/runtime/clock.ts";
import { createJudges } from "../../../shared/sessions/judge.ts";

/** Its states do not repeat, and there are many of them. */
const EVIL = "([a-j]{1,2}[b-k]?[a-i]){0,300}[K-Z]";

const clock = { nowEpochMillis: () => 0, sleep: async () => {} };

function pageOf(texts: readonly string[]): Page {
  const messages = texts.map(
    (text): Message => renderAmiOnly(renderAmi("A", ["call"], [["X", text]]), "now"),
  );
  return {
    first: 11,
    count: messages.length,
    names: ["event A"],
    appendedAtEpochMillis: 0,
    messages,
    textBytes: 1,
  };
}

const page = pageOf(Array.from({ length: 200 }, () => "x".repeat(1000)));

/** Judges that see this much CPU time go by for each message. */
function judgesTaking(millisPerMessage: number, maxBytes?: number) {
  let now = 0;
  // Each message is measured from before to after, within a step that is measured as well.
  const spent = () => {
    now += millisPerMessage;
    return now;
  };
  return createJudges(spent, clock, maxBytes);
}

describe("a judge", () => {
  it("names the wanted messages of a page with their numbers", async () => {
    const judge = await createJudges(() => 0, clock)("pbx", "ami", { eventFilters: ["X: b+"] });
    const judged = await judge(pageOf(["a", "b", "bb"]));
    expect(judged.map(({ sequence }) => sequence)).toEqual([12, 13]);
  });

  it("is refused when it takes long for the text that it judged, and stays so when it is no longer in memory", async () => {
    const judges = judgesTaking(10, 6000);
    const filter = { eventFilters: ["a.b"] };
    const judge = await judges("pbx", "ami", filter);
    await expect(judge(page)).rejects.toMatchObject({ code: "filter.too-costly" });
    await (await judges("pbx", "ami", { eventFilters: ["b.c"] }))(pageOf(["a"]));
    await expect(judges("pbx", "ami", filter)).rejects.toMatchObject({ code: "filter.too-costly" });
  });

  it("does not pay for what the same filter takes on another feed", async () => {
    const judges = judgesTaking(10);
    const filter = { eventFilters: ["a.b"] };
    await expect((await judges("pbx", "ami", filter))(page)).rejects.toMatchObject({
      code: "filter.too-costly",
    });
    expect(await (await judges("other", "ami", filter))(pageOf(["a"]))).toEqual([]);
  });

  it("is not limited while it is short for the text, however long together", async () => {
    const judge = await judgesTaking(0.1)("pbx", "ami", { eventFilters: ["a.b"] });
    for (let time = 0; time < 20; time += 1) expect(await judge(page)).toEqual([]);
  });

  it("of a slow filter waits while another slow one is judged", async () => {
    const judges = createJudges(
      (() => {
        let now = 0;
        return () => {
          now += 3;
          return now;
        };
      })(),
      { nowEpochMillis: () => 0, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
    );
    const results = await Promise.allSettled(
      ["a.b", "b.c", "c.d"].map(async (filter) =>
        (await judges("pbx", "ami", { eventFilters: [filter] }))(page),
      ),
    );
    const codes = results.map((result) => result.status === "rejected" && result.reason.code);
    expect(codes.toSorted()).toEqual(["filter.too-costly", "filter.waits", "filter.waits"]);
  });

  it("lets the event loop run while the hardest filter is judged", async () => {
    let seed = 1;
    const hard = () =>
      Array.from({ length: 2000 }, () => {
        seed = (seed * 48_271) % 2_147_483_647;
        return "abcdefghijk"[seed % 11];
      }).join("");
    const hardPage = pageOf(Array.from({ length: 100 }, hard));
    const judge = await createJudges(cpuMillis, systemClock)("pbx", "ami", { eventFilters: [EVIL] });
    let passes = 0;
    const count = setInterval(() => {
      passes += 1;
    }, 1);
    await expect(judge(hardPage)).rejects.toMatchObject({ code: "filter.too-costly" });
    clearInterval(count);
    expect(passes).toBeGreaterThan(10);
  });
});
