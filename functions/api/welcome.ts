import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { openApiDocument } from "./openApi.ts";

const { title, description, version } = openApiDocument.info;

/** Where a program goes on. */
const LINKS = {
  console: "/console",
  docs: "/docs",
  openapi: "/v1/openapi.json",
  health: "/v1/health",
} as const;

/** The page has no script, style, image or form, so a browser need not allow any. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  vary: "accept",
} as const;

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<h1>${title}</h1>
<p>${description}</p>
<p>Version ${version} is running.</p>
<ul>
<li><a href="${LINKS.console}">${LINKS.console}</a> shows feeds and sessions, and subscribes.</li>
<li><a href="${LINKS.docs}">${LINKS.docs}</a> describes every call, and the webhook requests that the relay sends.
<a href="${LINKS.openapi}">${LINKS.openapi}</a> is the same for programs.</li>
<li><a href="${LINKS.health}">${LINKS.health}</a> says whether it is ready.</li>
<li>Every other call needs a key: <code>Authorization: Bearer KEY</code>.</li>
</ul>
<p>Begin with “The interface” in the project's README.md. docs/webhooks.md is for those who receive messages,
docs/producers.md for those who send events.</p>
</html>
`;

/** What a person or a program finds at the root: HTML for browsers, JSON for all others. No key is needed. */
export function welcome(context: Context) {
  const type = accepts(context, {
    header: "Accept",
    supports: ["application/json", "text/html"],
    default: "application/json",
  });
  for (const [name, value] of Object.entries(HEADERS)) context.header(name, value);
  if (type === "text/html") return context.html(PAGE, 200);
  return context.json({ name: title, version, description, ...LINKS }, 200);
}
