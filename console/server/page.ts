import { html } from "hono/html";
import { type Caller, hasRole, MAY_MANAGE } from "../../shared/access/caller.ts";
import type { AssetFiles, AssetName } from "./assets.ts";
import { describe, VIEWS, type ViewName } from "./views.ts";

export type Markup = ReturnType<typeof html>;

/** The reader's choice; `system` follows the system's. */
export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

interface Frame {
  readonly title: string;
  readonly theme: Theme;
  readonly files: AssetFiles;
  readonly script: AssetName;
  readonly body: Markup;
  readonly styles?: readonly AssetName[];
}

export const assetPath = (file: string) => `/console/assets/${file}`;

/** A whole document. */
export function document({ title, theme, files, script, body, styles = ["styles"] }: Frame): Markup {
  return html`<!doctype html>
<html lang="en" data-theme="${theme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · stasis-relay</title>
<link rel="icon" href="${assetPath(files.icon)}" type="image/svg+xml">
${styles.map((name) => html`<link rel="stylesheet" href="${assetPath(files[name])}">`)}
<script type="module" src="${assetPath(files[script])}"></script>
</head>
${body}
</html>
`;
}

function themeSelect(theme: Theme): Markup {
  const names: Readonly<Record<Theme, string>> = { system: "System", light: "Light", dark: "Dark" };
  return html`<label class="theme"><span class="visually-hidden">Theme</span>
<select id="theme">${THEMES.map(
    (each) => html`<option value="${each}" ${each === theme ? "selected" : ""}>${names[each]}</option>`,
  )}</select></label>`;
}

export function header(
  theme: Theme,
  signedIn: { readonly caller: Caller; readonly view: ViewName | undefined } | undefined,
  isReference = false,
): Markup {
  const links = VIEWS.filter(({ inNavigation, isFor }) => inNavigation && signedIn && isFor(signedIn.caller));
  const current =
    signedIn?.view === "feed" ? "feeds" : signedIn?.view === "session" ? "sessions" : signedIn?.view;
  const who = signedIn && describe(signedIn.caller);
  return html`<a class="skip" href="#view">Skip to the content</a>
<header class="top">
${isReference ? html`<h1 class="visually-hidden">API reference</h1>` : ""}
<a class="brand" href="${signedIn || isReference ? "/console" : "/"}"><span class="mark" aria-hidden="true"></span>stasis-relay</a>
<nav aria-label="Main">
${links.map(
  ({ name, path, title }) =>
    html`<a href="${path}" ${name === current ? html`aria-current="page"` : ""}>${title}</a>`,
)}
${isReference ? html`<a href="/console">Console</a>` : ""}
<a href="/docs" ${isReference ? html`aria-current="page"` : ""}>API</a>
</nav>
<div class="account">
${who ? html`<span class="who" title="${who.name}: ${who.role}, ${who.feeds}">${who.name}</span>` : ""}
${themeSelect(theme)}
${signedIn ? html`<button type="button" id="sign-out" class="quiet">Sign out</button>` : ""}
</div>
</header>`;
}

/** A page whose content a script fills. What it may offer is in its data attributes. */
export function viewPage(parts: {
  readonly theme: Theme;
  readonly files: AssetFiles;
  readonly caller: Caller;
  readonly view: ViewName;
  readonly title: string;
  readonly id: string | undefined;
}): Markup {
  const { theme, files, caller, view, title, id } = parts;
  return document({
    title: id === undefined ? title : `${id} · ${title}`,
    theme,
    files,
    script: "console",
    body: html`<body>
${header(theme, { caller, view })}
<main id="view" tabindex="-1" data-view="${view}" data-id="${id ?? ""}" data-manages="${String(hasRole(caller, MAY_MANAGE))}">
<h1>${id ?? title}</h1>
<p class="muted" role="status">Loading …</p>
<noscript><p class="notice bad">The console needs JavaScript.</p></noscript>
</main>
</body>`,
  });
}

/** A page that only says something. */
export function messagePage(parts: {
  readonly theme: Theme;
  readonly files: AssetFiles;
  readonly caller: Caller | undefined;
  readonly title: string;
  readonly text: string;
}): Markup {
  const { theme, files, caller, title, text } = parts;
  return document({
    title,
    theme,
    files,
    script: "console",
    body: html`<body>
${header(theme, caller && { caller, view: undefined })}
<main id="view" tabindex="-1"><h1>${title}</h1><p>${text}</p><p><a href="/console">To the feeds</a></p></main>
</body>`,
  });
}
