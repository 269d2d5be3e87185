import { type ComponentChild, render } from "preact";
import { signOut } from "./relay.ts";
import { watchTheme } from "./theme.ts";
import { Feeds } from "./views/feeds.tsx";

watchTheme();
document.querySelector("#sign-out")?.addEventListener("click", async () => {
  await signOut();
  location.assign("/console/sign-in");
});

const main = document.querySelector<HTMLElement>("#view[data-view]");
if (main !== null) {
  const { view, manages } = main.dataset;
  const rights = { manages: manages === "true" };
  const views: Readonly<Record<string, () => ComponentChild>> = {
    feeds: () => <Feeds {...rights} />,
  };
  // The server's "Loading …" stays until there is something better.
  main.replaceChildren();
  render(views[view ?? ""]?.() ?? null, main);
}
