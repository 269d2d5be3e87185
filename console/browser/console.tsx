import { type ComponentChild, render } from "preact";
import { signOut } from "./relay.ts";
import { watchTheme } from "./theme.ts";
import { FeedView } from "./views/feed.tsx";
import { Feeds } from "./views/feeds.tsx";
import { Keys } from "./views/keys.tsx";
import { SessionView } from "./views/session.tsx";
import { Sessions } from "./views/sessions.tsx";
import { Subscribe } from "./views/subscribe.tsx";

watchTheme();
document.querySelector("#sign-out")?.addEventListener("click", async () => {
  await signOut();
  location.assign("/console/sign-in");
});

const main = document.querySelector<HTMLElement>("#view[data-view]");
if (main !== null) {
  const { view, manages, id = "" } = main.dataset;
  const rights = { manages: manages === "true" };
  const views: Readonly<Record<string, () => ComponentChild>> = {
    feeds: () => <Feeds {...rights} />,
    feed: () => <FeedView id={id} {...rights} />,
    sessions: () => <Sessions {...rights} />,
    session: () => <SessionView id={id} {...rights} />,
    subscribe: () => <Subscribe />,
    keys: () => <Keys />,
  };
  // The server's "Loading …" stays until there is something better.
  main.replaceChildren();
  render(views[view ?? ""]?.() ?? null, main);
}
