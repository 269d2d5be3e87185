import { html } from "hono/html";
import type { AssetFiles } from "./assets.ts";
import { document, header, type Markup, type Theme } from "./page.ts";

/** Where a key is entered. The script sends it in a header, so that it is in no address and no form's history. */
export function signInPage(theme: Theme, files: AssetFiles): Markup {
  return document({
    title: "Sign in",
    theme,
    files,
    script: "signIn",
    body: html`<body>
${header(theme, undefined)}
<main id="view" tabindex="-1" class="narrow">
<h1>Sign in</h1>
<p class="muted">With the management key, or with a key of the role manager or reader. What the key may do, the console may do.</p>
<form id="sign-in" class="card stack">
<label class="field"><span>Key</span>
<input type="password" id="key" name="key" required autocomplete="current-password" autofocus spellcheck="false"></label>
<p id="problem" class="notice bad" role="alert" hidden></p>
<button type="submit" class="primary">Sign in</button>
</form>
<p class="muted small">On one machine the key is <code>local</code> unless <code>RELAY_API_KEY</code> names another one. The key
is kept in a cookie for 12 hours, which scripts cannot read and other sites cannot use.</p>
<noscript><p class="notice bad">The console needs JavaScript.</p></noscript>
</main>
</body>`,
  });
}

/**
 * For a browser that came from another site and therefore sent no cookie (SameSite=Strict): it asks again by itself, now
 * from a page of ours.
 */
export function againPage(): Markup {
  return html`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0"><title>stasis-relay</title></html>
`;
}
