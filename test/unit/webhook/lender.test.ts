import { describe, expect, it } from "vitest";
import { createLender } from "../../../shared/webhook/lender.ts";

const NEVER = new AbortController().signal;
const createNumbers = (limit: number) => {
  let made = 0;
  return createLender(limit, () => ++made);
};

describe("a lender", () => {
  it("creates an item only when none is free, and prefers the most recently used one", async () => {
    const lender = createNumbers(3);
    expect(await lender.take(NEVER)).toBe(1);
    expect(await lender.take(NEVER)).toBe(2);
    lender.give(1);
    lender.give(2);
    expect(await lender.take(NEVER)).toBe(2);
    expect(lender.items).toEqual([1, 2]);
  });

  it("lends up to its limit; other callers get an item in order of arrival", async () => {
    const lender = createNumbers(2);
    const order: string[] = [];
    const take = (name: string) => lender.take(NEVER).then((item) => order.push(`${name}${item}`));
    await Promise.all([take("a"), take("b")]);
    const [c, d] = [take("c"), take("d")];
    lender.give(2);
    await c;
    expect(order).toEqual(["a1", "b2", "c2"]);
    lender.give(1);
    await d;
    expect(order).toEqual(["a1", "b2", "c2", "d1"]);
  });

  it("lends nothing to a caller that stopped waiting", async () => {
    const lender = createNumbers(1);
    await lender.take(NEVER);
    const controller = new AbortController();
    const impatient = lender.take(controller.signal);
    const patient = lender.take(NEVER);
    controller.abort();
    expect(await impatient).toBeUndefined();
    lender.give(1);
    expect(await patient).toBe(1);
    expect(lender.isIdle).toBe(false);
    lender.give(1);
    expect(lender.isIdle).toBe(true);
  });

  it("lends nothing on a signal that has aborted already", async () => {
    const lender = createNumbers(1);
    expect(await lender.take(AbortSignal.abort())).toBeUndefined();
    expect(lender.items).toEqual([]);
  });
});
