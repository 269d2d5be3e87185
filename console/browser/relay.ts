// Not the index: it would bring what receives webhooks, 400 kB.
import { RelayCallError } from "../../client/relayCallError.ts";
import { RelayClient } from "../../client/relayClient.ts";

/** The header that tells the relay that a page of its own asks (console/server/credential.ts). */
const OWN_PAGE = { "relay-console": "1" };

/** The interface, called with the cookie in place of a key. */
export const relay = new RelayClient({
  url: `${location.origin}/console/api`,
  apiKey: "",
  fetch: async (url, { method, headers: { authorization: _none, ...headers }, body, signal }) => {
    const answer = await fetch(url, {
      method,
      headers: { ...headers, ...OWN_PAGE },
      signal,
      ...(body === undefined ? {} : { body }),
    });
    if (answer.status === 401) signInAgain();
    return answer;
  },
});

function signInAgain(): void {
  location.assign(`/console/sign-in?to=${encodeURIComponent(location.pathname)}`);
}

/** @throws RelayCallError when the relay does not know the key, or it may not read */
export async function signIn(key: string): Promise<void> {
  const headers = { ...OWN_PAGE, authorization: `Bearer ${key}` };
  const answer = await fetch("/console/sign-in", { method: "POST", headers });
  if (answer.ok) return;
  const problem: { code?: string; detail?: string } = await answer.json().catch(() => ({}));
  throw new RelayCallError("sign in", {
    status: answer.status,
    code: problem.code ?? `http.${answer.status}`,
    detail: problem.detail ?? "The relay did not say why.",
  });
}

export async function signOut(): Promise<void> {
  await fetch("/console/sign-out", { method: "POST", headers: OWN_PAGE });
}

/** What a person is told of a failure. */
export function explain(error: unknown): string {
  if (!(error instanceof RelayCallError)) return String(error);
  if (error.code === "call.failed") return "The relay does not answer.";
  const places = error.errors.map(({ at, error: what }) => `${at.replace(/^body\./, "")} ${what}`);
  return places.length > 0 ? `${places.join("; ")}.` : error.detail;
}
