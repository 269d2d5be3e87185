import * as z from "zod";
import { bytesSchema, durationSchema } from "./amounts.ts";

/**
 * The bridge's configuration file, `bridge.yaml`. Unknown keys are refused, because a setting that is spelt wrongly would
 * be a setting that is not there. Secrets are not written into it: it says where they are.
 */

const text = z.string("must be a text").min(1, "must not be empty").max(1_024);

/** The relay's rule for names of feeds. */
const feedName = z
  .string("must be a text")
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    "must be 1 to 64 letters, digits, dots, hyphens or underscores",
  );

/** Where a secret is. Exactly one of the three. */
const secretSchema = z
  .strictObject(
    {
      /** An environment variable. */
      env: text.optional(),
      /** A file that holds the secret and nothing else. */
      file: text.optional(),
      /** A systemd credential: a file in `$CREDENTIALS_DIRECTORY`. */
      credential: text.regex(/^[^/]+$/, "must be a credential's name, not a path").optional(),
    },
    "must say where the secret is: { env: NAME }, { file: PATH } or { credential: NAME }",
  )
  .refine(
    (places) => Object.values(places).filter((place) => place !== undefined).length === 1,
    "must have exactly one of env, file and credential",
  );

const port = z
  .number("must be a port")
  .int()
  .min(1, "must be a port from 1 to 65535")
  .max(65_535, "must be a port from 1 to 65535");

/** `127.0.0.1:9465`. */
const listenSchema = z.string("must be an address and a port").transform((written, context) => {
  const [, address = "", digits = ""] = /^(.+):(\d{1,5})$/.exec(written) ?? [];
  const number = Number(digits);
  if (digits !== "" && number <= 65_535) return { host: address.replace(/^\[(.*)\]$/, "$1"), port: number };
  context.addIssue({ code: "custom", message: "must be an address and a port, such as 127.0.0.1:9465" });
  return z.NEVER;
});

const url = (protocols: readonly string[]) =>
  z.string("must be an address").refine(
    (written) => {
      const parsed = URL.parse(written);
      return (
        parsed !== null &&
        protocols.includes(parsed.protocol) &&
        parsed.username === "" &&
        parsed.password === ""
      );
    },
    `must be an address that begins with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}, without a user or password in it`,
  );

/** How a server's certificate is checked. */
const tlsSchema = z.strictObject({
  /** A file with the certificate authority's certificate, PEM. */
  ca: text.optional(),
  /** Accepts any certificate. */
  insecure: z.boolean("must be true or false").default(false),
});

const app = z
  .string("must be a text")
  .regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1 to 64 letters, digits, dots, hyphens or underscores");

const ariSchema = z.strictObject({
  url: url(["http:", "https:"]),
  user: text,
  password: secretSchema,
  app: app.optional(),
  disallowed: z.array(text).max(100).optional(),
  tls: tlsSchema.optional(),
});

const ariOutboundSchema = z.strictObject({
  user: text,
  password: secretSchema,
  /** The path in the `uri` of websocket_client.conf. */
  path: z.string("must be a text").regex(/^\/[\x21-\x7e]{0,255}$/, "must begin with /"),
  app: app.optional(),
});

const amiSchema = z.strictObject({
  host: text,
  port: port.optional(),
  user: text,
  secret: secretSchema,
  tls: z.union([z.boolean(), tlsSchema], "must be true, false, or { ca: FILE }").default(false),
});

const pbxSchema = z
  .strictObject({
    feed: feedName,
    ari: ariSchema.optional(),
    ariOutbound: ariOutboundSchema.optional(),
    ami: amiSchema.optional(),
  })
  .refine(({ ari, ariOutbound, ami }) => [ari, ariOutbound, ami].some((source) => source !== undefined), {
    message: "needs a source: ari, ariOutbound or ami; ami beside one of the others brings what ARI has not",
  })
  .refine(({ ari, ariOutbound }) => ari === undefined || ariOutbound === undefined, {
    message: "has both ari and ariOutbound: every event would come twice",
  });

export const configSchema = z
  .strictObject({
    relay: z.strictObject({
      url: url(["http:", "https:"]),
      key: secretSchema,
    }),
    spool: z.strictObject({
      directory: text,
      maxBytes: bytesSchema.default(2 * 2 ** 30),
      maxAge: durationSchema.default(7 * 86_400_000),
      whenFull: z.enum(["drop-oldest", "block"], "must be drop-oldest or block").default("drop-oldest"),
    }),
    /** Metrics and readiness. */
    outside: z.strictObject({ listen: listenSchema }).default({ listen: { host: "127.0.0.1", port: 9465 } }),
    /** Where Asterisks dial in. */
    listen: z
      .strictObject({
        address: listenSchema,
        tls: z.strictObject({ certificate: text, key: text }).optional(),
      })
      .optional(),
    pbxs: z.array(pbxSchema, "must be a list").min(1, "needs at least one PBX").max(1_000),
  })
  .check(({ value, issues }) => {
    const feeds = new Map<string, number>();
    for (const [index, { feed, ariOutbound }] of value.pbxs.entries()) {
      const issue = (path: (string | number)[], message: string) =>
        issues.push({ code: "custom", path: ["pbxs", index, ...path], message, input: value });
      if (feeds.has(feed)) issue(["feed"], `two PBXs have the feed ${feed}; each needs one of its own`);
      feeds.set(feed, index);
      if (ariOutbound !== undefined && value.listen === undefined)
        issue(["ariOutbound"], "needs listen: the address at which Asterisk dials in");
    }
  });

export type Config = z.infer<typeof configSchema>;
export type PbxConfig = Config["pbxs"][number];
export type SecretPlace = z.infer<typeof secretSchema>;
