import axe from "axe-core";
import type { BrowserContext, Page } from "playwright-core";
import { expect } from "vitest";

/** Before a page loads: the policy of our pages lets nobody add a script later. */
export async function bringAxe(context: BrowserContext): Promise<void> {
  await context.addInitScript({ content: axe.source });
}

interface PageWithAxe {
  readonly axe: Pick<typeof axe, "run">;
}

/** Requires that axe finds nothing on the page as it is now. */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as PageWithAxe;
    const found = await axe.run({ exclude: [".swagger-ui"] });
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
  });
  expect([where, violations]).toEqual([where, []]);
}

/** Requires that nothing is wider than the window, so that nobody must scroll sideways. */
export async function expectFits(page: Page, where: string): Promise<void> {
  const { scrolled, seen } = await page.evaluate(() => {
    const { document } = globalThis as unknown as {
      document: { documentElement: { scrollWidth: number; clientWidth: number } };
    };
    const { scrollWidth, clientWidth } = document.documentElement;
    return { scrolled: scrollWidth, seen: clientWidth };
  });
  expect([where, scrolled]).toEqual([where, seen]);
}
