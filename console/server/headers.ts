/** What a page may load: our own scripts, styles and data, and nothing inline. */
const STRICT = {
  "default-src": "'none'",
  "script-src": "'self'",
  "style-src": "'self'",
  "img-src": "'self'",
  "connect-src": "'self'",
  "base-uri": "'none'",
  "form-action": "'none'",
  "frame-ancestors": "'none'",
  // No script may make markup of text, so no message of a feed can become markup.
  "require-trusted-types-for": "'script'",
  "trusted-types": "'none'",
};

/**
 * The headers of every page. Pages say who is signed in, so nobody keeps them.
 * @param policy other directives than the strict ones; undefined leaves one out
 */
export function pageHeaders(
  policy: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const directives = Object.entries({ ...STRICT, ...policy }).filter(([, value]) => value !== undefined);
  return {
    "content-security-policy": directives.map(([name, value]) => `${name} ${value}`).join("; "),
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    vary: "cookie",
  };
}
