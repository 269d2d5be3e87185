import { html } from "hono/html";
import type { AssetFiles } from "./assets.ts";
import { assetPath, document, header, type Markup, type Theme } from "./page.ts";

/**
 * What Swagger UI needs beyond the console's policy: images in `data:` addresses (the icons of its style sheet), and
 * markup made of text (its descriptions are Markdown, which it sanitises).
 */
export const REFERENCE_POLICY = {
  "img-src": "'self' data:",
  "require-trusted-types-for": undefined,
  "trusted-types": undefined,
};

/** The interface's reference, made from the OpenAPI document in the browser. It holds nothing secret and needs no key. */
export function referencePage(theme: Theme, files: AssetFiles): Markup {
  return document({
    title: "API",
    theme,
    files,
    script: "reference",
    styles: ["swaggerStyles", "referenceStyles"],
    body: html`<body class="reference" data-swagger="${assetPath(files.swagger)}">
${header(theme, undefined, true)}
<!-- Swagger UI brings its own main element. -->
<div id="view" tabindex="-1">
<div id="reference"><p class="muted" role="status">Loading …</p></div>
<noscript><p>The reference needs JavaScript. It shows <a href="/v1/openapi.json">the OpenAPI document</a>.</p></noscript>
</div>
</body>`,
  });
}
