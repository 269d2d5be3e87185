import { explain, signIn } from "./relay.ts";
import { watchTheme } from "./theme.ts";

const form = document.querySelector<HTMLFormElement>("#sign-in");
const key = document.querySelector<HTMLInputElement>("#key");
const problem = document.querySelector<HTMLElement>("#problem");

watchTheme();
// A link may bring a key behind "#", which no server sees. It is only filled in: who follows a link has not chosen its key.
const given = new URLSearchParams(location.hash.slice(1)).get("key");
if (key && given !== null) {
  key.value = given;
  history.replaceState(null, "", location.pathname + location.search);
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  if (!key || !problem || !button) return;
  button.disabled = true;
  problem.hidden = true;
  try {
    await signIn(key.value.trim());
    location.assign(destination());
  } catch (error) {
    problem.textContent =
      error instanceof TypeError
        ? "A key has no such characters, or the relay does not answer."
        : explain(error);
    problem.hidden = false;
    button.disabled = false;
    key.select();
  }
});

/** Where the reader wanted to go; never another site. */
function destination(): string {
  const url = URL.parse(new URLSearchParams(location.search).get("to") ?? "", location.origin);
  return url?.origin === location.origin && url.pathname.startsWith("/console") ? url.pathname : "/console";
}
