import type { Context, Env, Hono, Schema } from "hono";
import { getCookie } from "hono/cookie";
import { type Caller, hasRole, MAY_READ } from "../../shared/access/caller.ts";
import type { Callers, Identified } from "../../shared/access/callers.ts";
import { requireRole } from "../../shared/http/authorise.ts";
import { bearerKey } from "../../shared/http/bearerAuth.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import { type AssetFiles, answerAsset, type ConsoleAssets } from "./assets.ts";
import { CONSOLE_PATH, cookieKey, keyCookie, requireOwnPage } from "./credential.ts";
import { pageHeaders } from "./headers.ts";
import { messagePage, THEMES, type Theme, viewPage } from "./page.ts";
import { REFERENCE_POLICY, referencePage } from "./referencePage.ts";
import { againPage, signInPage } from "./signInPage.ts";
import { VIEWS } from "./views.ts";

const API_PATH = `${CONSOLE_PATH}/api`;
const SIGN_IN_PATH = `${CONSOLE_PATH}/sign-in`;

/** The headers of a call that reach the interface. */
const PASSED_HEADERS = ["accept", "content-type", "idempotency-key"];

/** Adds the console beneath /console, and the reference at /docs. Other paths are left to the app's next routes. */
export function mountConsole<E extends Env, S extends Schema, P extends string>(
  app: Hono<E, S, P>,
  { callers, assets }: { readonly callers: Callers; readonly assets: ConsoleAssets },
): void {
  app.get(`${CONSOLE_PATH}/assets/:file`, (context) => answerAsset(assets, context));

  app.get("/docs", async (context) =>
    context.html(referencePage(themeOf(context), await assets.files()), 200, pageHeaders(REFERENCE_POLICY)),
  );

  app.get(SIGN_IN_PATH, async (context) =>
    context.html(signInPage(themeOf(context), await assets.files()), 200, pageHeaders()),
  );
  app.post(SIGN_IN_PATH, async (context) => {
    requireOwnPage(context.req.raw.headers);
    const key = bearerKey(context.req.header("authorization"));
    const identified: Identified = key === undefined ? { kind: "unknown" } : await callers.identify(key);
    if (identified.kind === "unknown")
      throw new HttpProblem(401, "key.wrong", "The relay does not know this key.");
    if (identified.kind === "too-many") throw tooMany(identified);
    requireRole(identified.caller, MAY_READ);
    return context.body(null, 204, { "set-cookie": keyCookie(key, addressOf(context)) });
  });
  app.post(`${CONSOLE_PATH}/sign-out`, (context) => {
    requireOwnPage(context.req.raw.headers);
    return context.body(null, 204, { "set-cookie": keyCookie(undefined, addressOf(context)) });
  });

  // The same interface, with the key from the cookie.
  app.all(`${API_PATH}/v1/*`, async (context) => {
    requireOwnPage(context.req.raw.headers);
    const key = keyOf(context);
    if (key === undefined) throw new HttpProblem(401, "console.signed-out", "Sign in again.");
    const url = new URL(context.req.url);
    url.pathname = url.pathname.slice(API_PATH.length);
    const { method } = context.req;
    const headers = new Headers({ authorization: `Bearer ${key}` });
    for (const name of PASSED_HEADERS) {
      const value = context.req.header(name);
      if (value !== undefined) headers.set(name, value);
    }
    const body = method === "GET" || method === "HEAD" ? {} : { body: await context.req.arrayBuffer() };
    return app.fetch(new Request(url, { method, headers, ...body }), context.env);
  });

  for (const view of VIEWS)
    app.get(view.path, (context) =>
      answerPage(context, callers, assets, (caller, files) => {
        const theme = themeOf(context);
        if (!view.isFor(caller))
          return [
            messagePage({
              theme,
              files,
              caller,
              title: "Not with this key",
              text: `${view.title} needs a key that may do more: a manager's${view.name === "keys" ? ", for all feeds" : ""}.`,
            }),
            403,
          ];
        const { name, title } = view;
        return [viewPage({ theme, files, caller, view: name, title, id: context.req.param("id") }), 200];
      }),
    );
  app.get(`${CONSOLE_PATH}/*`, (context) =>
    answerPage(context, callers, assets, (caller, files) => [
      messagePage({
        theme: themeOf(context),
        files,
        caller,
        title: "No such page",
        text: `The console has no ${context.req.path}.`,
      }),
      404,
    ]),
  );
}

/** A page for who is signed in; the sign-in page for others. */
async function answerPage(
  context: Context,
  callers: Callers,
  assets: ConsoleAssets,
  page: (caller: Caller, files: AssetFiles) => [Parameters<Context["html"]>[0], 200 | 403 | 404],
): Promise<Response> {
  const key = keyOf(context);
  const site = context.req.header("sec-fetch-site");
  if (key === undefined && (site === "cross-site" || site === "same-site"))
    return context.html(againPage(), 200, pageHeaders());
  const identified: Identified = key === undefined ? { kind: "unknown" } : await callers.identify(key);
  if (identified.kind === "too-many") throw tooMany(identified);
  if (identified.kind === "unknown" || !hasRole(identified.caller, MAY_READ))
    return context.redirect(`${SIGN_IN_PATH}?to=${encodeURIComponent(context.req.path)}`, 303);
  const [content, status] = page(identified.caller, await assets.files());
  return context.html(content, status, pageHeaders());
}

function keyOf(context: Context): string | undefined {
  return cookieKey(context.req.header("cookie"), context.req.header("host"));
}

function addressOf(context: Context) {
  return { host: context.req.header("host"), isHttps: context.req.header("x-forwarded-proto") === "https" };
}

function themeOf(context: Context): Theme {
  const chosen = getCookie(context, "stasis-relay-theme");
  return THEMES.find((each) => each === chosen) ?? "system";
}

function tooMany({ retryAfterMillis }: { readonly retryAfterMillis: number }): HttpProblem {
  return new HttpProblem(429, "key.rate-limited", "Too many requests. Wait as long as Retry-After says.", {
    retryAfterSeconds: Math.ceil(retryAfterMillis / 1000),
  });
}
