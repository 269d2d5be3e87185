import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestRelay } from "../support/testRelay.ts";
import { expectAccessible, expectFits } from "./support/accessible.ts";
import { openPage, THEMES, WIDTHS } from "./support/browser.ts";
import { callEvents, type OpenScene, openScene, type Scene } from "./support/scene.ts";

let opened: OpenScene;
let relay: TestRelay;
let browser: Browser;
let scene: Scene;

beforeAll(async () => {
  opened = await openScene();
  ({ relay, browser, scene } = opened);
  await relay.createKey({ name: "a reader", role: "reader", feeds: ["*"] });
});

afterAll(() => opened?.[Symbol.asyncDispose]());

/** Each page, and what shows that it is complete. */
const PAGES: Readonly<Record<string, (scene: Scene) => [path: string, shows: string]>> = {
  "sign-in": () => ["/console/sign-in", "Sign in"],
  feeds: ({ feed }) => ["/console", feed],
  "one feed": ({ feed }) => [`/console/feeds/${feed}`, "bridge-berlin"],
  sessions: () => ["/console/sessions", "/wallboard"],
  "a failing session": ({ failing }) => [`/console/sessions/${failing}`, "status 500"],
  "an AMI user": ({ amiUser }) => [`/console/sessions/${amiUser}`, "Read classes"],
  subscribe: () => ["/console/subscribe", "AMI user"],
  keys: () => ["/console/keys", "a reader"],
  reference: () => ["/docs", "/v1/sessions/{id}/explain/{sequence}"],
  "no such page": () => ["/console/nothing", "No such page"],
};

describe.each(Object.entries(PAGES))("the page: %s", (_name, placeIn) => {
  it("is accessible and fits at every width, light and dark", async () => {
    await using open = await openPage(browser, { url: relay.url, key: relay.apiKey });
    const { page, complaints } = open;
    const [path, shows] = placeIn(scene);
    await page.goto(path);
    await page.getByText(shows).first().waitFor();
    for (const width of WIDTHS)
      for (const colorScheme of THEMES) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        await expectAccessible(page, `${width} ${colorScheme}`);
        await expectFits(page, `${width} ${colorScheme}`);
      }
    expect(complaints).toEqual([]);
  });
});

it("a reader signs in with the keyboard, and comes to where he wanted to go", async () => {
  const { key } = await relay.createKey({ name: "for the wall", role: "reader", feeds: ["*"] });
  await using open = await openPage(browser, { url: relay.url });
  const { page } = open;
  await page.goto("/console/sessions");
  await page.keyboard.type("wrong");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("The relay does not know this key.").waitFor();
  await page.keyboard.type(key);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/console/sessions");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/console/sign-in");
  await page.goto("/console");
  expect(new URL(page.url()).pathname).toBe("/console/sign-in");
});

it("a key in a link is filled in, and neither sent nor kept in the address", async () => {
  await using open = await openPage(browser, { url: relay.url });
  const { page } = open;
  await page.goto(`/console/sign-in#key=${relay.apiKey}`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/console");
  await page.getByRole("link", { name: scene.feed }).waitFor();
});

it("the choice of a theme holds for the next page before any script runs", async () => {
  await using open = await openPage(browser, { url: relay.url, key: relay.apiKey, colorScheme: "light" });
  const { page } = open;
  await page.goto("/console");
  await page.getByLabel("Theme").selectOption("dark");
  const answer = await page.goto("/docs");
  expect(await answer?.text()).toContain('<html lang="en" data-theme="dark">');
});

describe("the feeds", () => {
  it("are shown with rate, ends, sessions and lag, and follow what happens", async () => {
    await using open = await openPage(browser, { url: relay.url, key: relay.apiKey });
    const { page } = open;
    await page.goto("/console");
    const row = page.getByRole("row").filter({ hasText: "pbx-munich" });
    await row.getByText("30").first().waitFor();
    await relay.append("pbx-munich", callEvents(1, 31));
    await row.getByText("31").first().waitFor();
  });

  it("that are none say how one begins", async () => {
    await using empty = await TestRelay.start();
    await using open = await openPage(browser, { url: empty.url, key: empty.apiKey });
    await open.page.goto("/console");
    await open.page.getByText("No feeds yet").waitFor();
    await expectAccessible(open.page, "no feeds");
  });

  it("say why they cannot be shown, and go on with what was there", async () => {
    await using open = await openPage(browser, { url: relay.url, key: relay.apiKey });
    const { page } = open;
    let isFailing = true;
    const problem = { status: 503, code: "relay.busy", detail: "The relay could not complete the request." };
    await page.route("**/console/api/v1/feeds?*", (route) =>
      isFailing ? route.fulfill({ status: 503, json: problem }) : route.continue(),
    );
    await page.goto("/console");
    await page.getByRole("alert").getByText(problem.detail).waitFor();
    await expectAccessible(page, "feeds that fail");
    isFailing = false;
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("link", { name: scene.feed }).waitFor();
    isFailing = true;
    await page.getByText("As it was at").waitFor();
    await page.getByRole("link", { name: scene.feed }).waitFor();
  });

  it("lead to the sign-in page when the key has ended", async () => {
    await using open = await openPage(browser, { url: relay.url, key: relay.apiKey });
    await open.page.goto("/console");
    await open.page.getByRole("link", { name: scene.feed }).waitFor();
    await open.page.context().clearCookies();
    await open.page.waitForURL("**/console/sign-in?to=%2Fconsole");
  });
});
