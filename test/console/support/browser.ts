import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { bringAxe } from "./accessible.ts";

/** Where Linux distributions and Macs install it. */
const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** @throws Error when this machine has no Chromium */
export function startBrowser(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place));
  if (executablePath === undefined)
    throw new Error("no Chromium: apt-get install chromium, or name one in CHROMIUM");
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
}

export const WIDTHS = [320, 768, 1_920] as const;
export const THEMES = ["light", "dark"] as const;

export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** What the browser complained of: scripts that failed, and what the policy forbade. */
  readonly complaints: readonly string[];
}

/** A page in a fresh profile. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions & { readonly key?: string; readonly url: string },
): Promise<OpenPage> {
  const { key, url, ...rest } = options;
  const context = await browser.newContext({ baseURL: url, ...rest });
  if (key !== undefined) {
    const { hostname, port } = new URL(url);
    const value = Buffer.from(key).toString("base64url");
    await context.addCookies([
      {
        name: `stasis-relay-${port}`,
        value,
        domain: hostname,
        path: "/console",
        httpOnly: true,
        sameSite: "Strict",
      },
    ]);
  }
  await bringAxe(context);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // A test that makes the relay fail sees its status here, too.
    const isOfNetwork = message.text().startsWith("Failed to load resource");
    // Playwright evaluates with eval; where the policy forbids that, it goes another way.
    const isOfPlaywright = message.text().startsWith("This document requires 'TrustedScript' assignment");
    if (message.type() === "error" && !isOfNetwork && !isOfPlaywright) complaints.push(message.text());
  });
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}
