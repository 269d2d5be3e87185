import type { Browser, Page, Route } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { TestRelay } from "../support/testRelay.ts";
import type { WebhookReceiver } from "../support/webhookReceiver.ts";
import { expectAccessible, expectFits } from "./support/accessible.ts";
import { openPage } from "./support/browser.ts";
import { callEvents, type OpenScene, openScene, type Scene } from "./support/scene.ts";

let opened: OpenScene;
let relay: TestRelay;
let receiver: WebhookReceiver;
let browser: Browser;
let scene: Scene;

beforeAll(async () => {
  opened = await openScene();
  ({ relay, receiver, browser, scene } = opened);
});

afterAll(() => opened?.[Symbol.asyncDispose]());

/** Opens a page as the management key, does something with it, and requires that the browser had no complaint. */
async function at(path: string, look: (page: Page) => Promise<void>, key = relay.apiKey): Promise<void> {
  await using open = await openPage(browser, { url: relay.url, key });
  await open.page.goto(path);
  await look(open.page);
  expect(open.complaints).toEqual([]);
}

describe("one feed", () => {
  it("is a picture of its segments with every session where it stands, and moves", async () => {
    await at(`/console/feeds/${scene.feed}`, async (page) => {
      const pins = page.getByRole("list", { name: "Where the sessions stand" });
      await pins.getByRole("link", { name: /recorder: paused, next 20$/ }).waitFor();
      const segments = page.getByRole("list", { name: "Segments" });
      await segments.getByText(/^Segment 0, 1 to 50: /).waitFor();
      await page
        .getByText(/wallboard stands lowest, at 1: |stands lowest, at \d+: what comes from there on/)
        .waitFor();
      await relay.changeSession(scene.paused, { next: 120 });
      await pins.getByRole("link", { name: /recorder: paused, next 120$/ }).waitFor();
      await relay.changeSession(scene.paused, { next: 20 });
    });
  });

  it("shows its messages as they come, whole, filtered, and paused", async () => {
    await at(`/console/feeds/pbx-munich`, async (page) => {
      const tail = page.getByRole("region", { name: "Live tail" });
      await tail.getByText("ChannelDestroyed").first().waitFor();
      await relay.append("pbx-munich", [{ type: "ChannelHold", channel: { name: "PJSIP/bob-1" } }]);
      const held = tail.getByRole("listitem").filter({ hasText: "ChannelHold" });
      await held.locator("summary").getByText("PJSIP/bob-1").click();
      await held.getByText('"type": "ChannelHold"').waitFor();
      await expectAccessible(page, "a whole message");
      await tail.getByRole("searchbox").fill("bob");
      await tail.getByText("ChannelDestroyed").first().waitFor({ state: "detached" });
      await tail.getByRole("searchbox").fill("");
      await tail.getByRole("button", { name: "Pause" }).click();
      await relay.append("pbx-munich", [{ type: "ChannelUnhold" }]);
      await page
        .getByText(/tail 32/)
        .first()
        .waitFor();
      expect(await tail.getByText("ChannelUnhold").count()).toBe(0);
      await tail.getByRole("button", { name: "Go on" }).click();
      await tail.locator("summary").getByText("ChannelUnhold").waitFor();
      await tail.getByRole("combobox", { name: "Format" }).selectOption("ami");
      await tail.getByText("Newchannel").first().waitFor();
    });
  });

  it("that does not exist says so", async () => {
    await at("/console/feeds/nowhere", async (page) => {
      await page.getByRole("alert").getByText("There is no feed nowhere.").waitFor();
      await expectAccessible(page, "no feed");
    });
  });
});

describe("one session", () => {
  it("says what stops it, shows its state, and is tested", async () => {
    await at(`/console/sessions/${scene.failing}`, async (page) => {
      await page.getByRole("img", { name: "State machine: the cursor is backoff" }).waitFor();
      await page.getByText(/in a row failed: /).waitFor();
      await page.getByRole("row").filter({ hasText: "failed 500" }).first().waitFor();
      await page.getByRole("img", { name: /^Lag since this page was opened: \d+ messages now/ }).waitFor();
      await page.locator(".chart canvas").waitFor();
      await page.getByRole("button", { name: "Send a test" }).click();
      await page.getByRole("status").getByText("failed 500").waitFor();
    });
  });

  it("explains what became of a message", async () => {
    await at(`/console/sessions/${scene.healthy}`, async (page) => {
      await page.getByLabel("Number of the message").fill("7");
      await page.getByRole("button", { name: "Explain" }).click();
      await page.getByText("delivered", { exact: true }).waitFor();
      await page.getByLabel("Number of the message").fill("100000");
      await page.getByRole("button", { name: "Explain" }).click();
      await page.getByText("not-appended", { exact: true }).waitFor();
    });
  });

  it("is paused, moved, replayed, given another secret and deleted, each after a question", async () => {
    const { id, secret } = await relay.createSession({
      feed: scene.feed,
      url: receiver.url("/changed"),
      from: 200,
    });
    await at(`/console/sessions/${id}`, async (page) => {
      const dialog = page.getByRole("dialog");
      const ask = (name: string) => page.getByRole("button", { name, exact: true }).first().click();
      const agree = (name: string) => dialog.getByRole("button", { name, exact: true }).click();
      const isNow = (state: string) =>
        eventually(`the session is ${state}`, async () => (await relay.session(id)).state === state);

      await ask("Pause");
      await expectAccessible(page, "a question");
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      expect(await page.locator(":focus").textContent()).toBe("Pause");
      expect((await relay.session(id)).state).toBe("active");
      await ask("Pause");
      await agree("Pause");
      await isNow("paused");

      await ask("Seek");
      await dialog.getByLabel("A number").check();
      await dialog.getByLabel("Number of the next message").fill("9999");
      await dialog.getByText("The feed ends at 250.").waitFor();
      await dialog.getByLabel("Number of the next message").fill("240");
      await expectAccessible(page, "seek");
      await agree("Move");
      await eventually("it has moved", async () => (await relay.session(id)).next === 240);

      await ask("Replay");
      await dialog.getByRole("button", { name: "1 day ago" }).click();
      await dialog.getByText("239 messages from 1 on are sent again").waitFor();
      await agree("Send again");
      await eventually("it has moved back", async () => (await relay.session(id)).next === 1);

      await page.getByRole("button", { name: "Resume" }).click();
      await agree("Resume");
      await isNow("active");

      await ask("Rotate secret");
      await agree("Rotate");
      const shown = await page.getByRole("dialog", { name: "The new secret" }).locator("code").textContent();
      expect(shown).toMatch(/^whsec_/);
      expect(shown).not.toBe(secret);
      await page.getByRole("button", { name: "I have it" }).click();
      await page.getByText(shown ?? "").waitFor({ state: "detached" });

      await ask("Delete");
      await agree("Delete");
      await page.waitForURL("**/console/sessions");
    });
    expect((await relay.call("GET", `/v1/sessions/${id}`)).status).toBe(404);
  });

  it("keeps the question and says why when a change is refused", async () => {
    await at(`/console/sessions/${scene.healthy}`, async (page) => {
      await page.route("**/console/api/v1/sessions/*", (route) =>
        route.request().method() === "PATCH"
          ? route.fulfill({
              status: 409,
              json: { code: "cursor.fence-lost", detail: "Another change came first." },
            })
          : route.continue(),
      );
      await page.getByRole("button", { name: "Pause" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
      await page.getByRole("dialog").getByRole("alert").getByText("Another change came first.").waitFor();
    });
  });

  it("offers a reader no change", async () => {
    const { key } = await relay.createKey({ name: "reads", role: "reader", feeds: ["*"] });
    await at(
      `/console/sessions/${scene.healthy}`,
      async (page) => {
        await page.getByText("Waits at the end of the queue").waitFor();
        const buttons = await page.locator("main").getByRole("button").allTextContents();
        expect(buttons).toEqual(["Explain"]);
      },
      key,
    );
  });
});

describe("subscribing", () => {
  it("makes a webhook, shows its secret once, tests it, and has code for its receiver", async () => {
    await at("/console/subscribe?feed=pbx-munich", async (page) => {
      expect(await page.getByLabel("Feed").inputValue()).toBe("pbx-munich");
      await page.getByLabel("URL").fill("ftp://nowhere");
      await page.getByRole("button", { name: "Subscribe" }).click();
      await page.getByRole("alert").waitFor();
      await page.getByLabel("URL").fill(receiver.url("/subscribed"));
      await page.getByLabel("Begin").selectOption("head");
      await page.getByText("Filter", { exact: true }).click();
      await page.getByLabel("Only these event types").fill("ChannelDestroyed ChannelCreated");
      await page.getByRole("button", { name: "Subscribe" }).click();
      await page.getByRole("heading", { name: "Subscribed" }).waitFor();
      await page.getByText(/^whsec_/).waitFor();
      await expectAccessible(page, "subscribed");
      await page.getByRole("button", { name: "Send a test" }).click();
      await page.getByText("accepted 204").waitFor();
      for (const [language, part] of [
        ["Python", "http.server"],
        ["curl", "openssl dgst"],
        ["Node", "createServer"],
      ] as const) {
        await page.getByRole("button", { name: language, exact: true }).click();
        await page.getByText(part).waitFor();
      }
      await page.getByRole("link", { name: "To the session" }).click();
      await page.getByText('{"types":["ChannelDestroyed","ChannelCreated"]}').waitFor();
    });
    const types = await eventually("its messages arrive", () => {
      const received = receiver.requests("/subscribed").flatMap(({ body }) => body.messages);
      return received.length >= 12 && new Set(received.map(({ type }) => type));
    });
    expect([...types].sort()).toEqual(["ChannelCreated", "ChannelDestroyed", "RelayTest"]);
  });

  it("makes one session, however often the form is sent while answers are lost", async () => {
    await at("/console/subscribe", async (page) => {
      let isLost = true;
      await page.route("**/console/api/v1/sessions", async (route: Route) => {
        if (!isLost) return route.continue();
        isLost = false;
        await route.fetch();
        await route.abort();
      });
      await page.getByRole("button", { name: "AMI user" }).click();
      await page.getByLabel("Feed").fill("pbx-munich");
      await page.getByLabel("User name").fill("lost-answer");
      await page.getByRole("button", { name: "Subscribe" }).click();
      await page.getByRole("alert").getByText("The relay does not answer.").waitFor();
      await page.getByRole("button", { name: "Subscribe" }).click();
      await page.getByText("Username: lost-answer").waitFor();
    });
  });
});

it("a key is made, shown once, and revoked after a question", async () => {
  await at("/console/keys", async (page) => {
    await page.getByLabel("Name").fill("bridge of pbx-1");
    await page.getByLabel("Role").selectOption("producer");
    await page.getByRole("textbox", { name: /^Feeds/ }).fill("pbx-1 pbx-2");
    await page.getByRole("button", { name: "Make the key" }).click();
    const text = (await page.getByText(/^srk_/).textContent()) ?? "";
    await relay.as(text).append("pbx-1", callEvents(1));
    await expectAccessible(page, "a new key");
    await page.getByRole("button", { name: "I have it" }).click();
    await page.getByText(text).waitFor({ state: "detached" });
    const row = page.getByRole("row").filter({ hasText: "pbx-1, pbx-2" });
    await row.getByRole("button", { name: "Revoke bridge of pbx-1" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await row.waitFor({ state: "detached" });
  });
});

describe("many sessions", () => {
  const COUNT = 10_000;

  /** What the relay would answer, made here: so many sessions take minutes to create. */
  async function answerWithThousands(page: Page): Promise<void> {
    const template = await relay.session(scene.healthy);
    await page.route("**/console/api/v1/sessions?*", (route) => {
      const begin = Number(new URL(route.request().url()).searchParams.get("after") ?? 0);
      const sessions = Array.from({ length: 100 }, (_, index) => {
        const number = begin + index + 1;
        const state = number % 1_000 === 0 ? "suspended" : "active";
        return {
          ...template,
          id: `ses_${number}`,
          url: `https://example.com/${number}`,
          state,
          next: 1 + (number % 250),
        };
      });
      const after = begin + 100 < COUNT ? { after: String(begin + 100) } : {};
      return route.fulfill({ json: { sessions, ...after } });
    });
  }

  it("come page by page, are searched at once, and do not freeze the page", async () => {
    await using open = await openPage(browser, { url: relay.url, key: relay.apiKey });
    const { page } = open;
    await answerWithThousands(page);
    await page.goto("/console/sessions");
    await page.getByText("10,000 sessions", { exact: true }).waitFor();
    await page.getByText("1 to 100 of 10,000").waitFor();
    const before = performance.now();
    await page.getByRole("searchbox").fill("example.com/77");
    await page.getByText("1 to 100 of 111").waitFor();
    expect(performance.now() - before).toBeLessThan(1_000);
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByText("101 to 111 of 111").waitFor();
    await page.getByRole("searchbox").fill("");
    await page.getByRole("button", { name: "suspended 10" }).click();
    await page.getByText("https://example.com/10000").waitFor();
    expect(await page.getByRole("row").count()).toBe(11);
    await expectAccessible(page, "thousands of sessions");
    await expectFits(page, "thousands of sessions");
  });

  it("stand in the picture of their feed in groups", async () => {
    await using open = await openPage(browser, { url: relay.url, key: relay.apiKey });
    await answerWithThousands(open.page);
    await open.page.goto(`/console/feeds/${scene.feed}`);
    await open.page.getByRole("link", { name: "all 10,000" }).waitFor();
    const pins = open.page.getByRole("list", { name: "Where the sessions stand" }).getByRole("listitem");
    expect(await pins.count()).toBeLessThan(60);
  });
});

it("the page is there within a second", async () => {
  await using open = await openPage(browser, { url: relay.url, key: relay.apiKey });
  await open.page.goto("/console");
  const paints: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    await open.page.goto("/console/sessions");
    paints.push(
      await open.page.evaluate(
        () =>
          performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.POSITIVE_INFINITY,
      ),
    );
  }
  expect(Math.min(...paints)).toBeLessThan(1_000);
});

it("a page without sessions says how to begin", async () => {
  await using empty = await TestRelay.start();
  await using open = await openPage(browser, { url: empty.url, key: empty.apiKey });
  for (const [path, says] of [
    ["/console/sessions", "No sessions yet"],
    ["/console/keys", "No keys yet"],
  ] as const) {
    await open.page.goto(path);
    await open.page.getByText(says).waitFor();
    await expectAccessible(open.page, says);
  }
});

it("every page says that it loads until the relay answers, and then shows what came", async () => {
  await using empty = await TestRelay.start();
  await empty.append("pbx-1", [{ type: "ChannelCreated" }]);
  await using open = await openPage(browser, { url: empty.url, key: empty.apiKey });
  const { page } = open;
  for (const [path, loads, came] of [
    ["/console", "Loading", "pbx-1"],
    ["/console/feeds/pbx-1", "Loading", "No session follows this feed"],
    ["/console/sessions", "Loading", "No sessions yet"],
    ["/console/keys", "Loading", "No keys yet"],
  ] as const) {
    const answers = Promise.withResolvers<void>();
    await page.route("**/console/api/**", async (route) => {
      await answers.promise;
      await route.continue();
    });
    await page.goto(path);
    await page.getByText(loads).first().waitFor();
    await expectAccessible(page, `${path} while it loads`);
    answers.resolve();
    await page.getByText(came).first().waitFor();
    await expect.poll(() => page.getByText(loads).count(), { timeout: 10_000 }).toBe(0);
    await page.unrouteAll({ behavior: "ignoreErrors" });
  }
});
