import { z } from "@hono/zod-openapi";
import { CLASS_NAMES, READ_CLASSES } from "../../../shared/ami/eventClass.ts";
import { feedName, format, isoTime } from "./common.ts";

/** What is asked of a session: to be created, and to be changed. */

const sequence = z.int().min(1).max(Number.MAX_SAFE_INTEGER);

const position = z.union(
  [
    z.enum(["tail", "head"]),
    sequence,
    z.strictObject({
      time: isoTime.openapi({
        example: "2026-11-23T08:00:00Z",
        description: "The first message that was appended then or later.",
      }),
    }),
  ],
  'must be "tail", "head", a sequence number, or an object with a time in ISO 8601',
);

const nameList = z.array(z.string().min(1).max(128)).min(1).max(100);

const KNOWN_CLASSES = `${CLASS_NAMES.join(",")},all`;

const readText = z
  .string()
  .max(256)
  .regex(READ_CLASSES, `must be classes with commas and no blanks between: ${KNOWN_CLASSES}`);

const eventFilter = z.string().min(1).max(1000);

export const filter = z
  .strictObject({
    types: nameList.optional().openapi({ description: "Stasis event types." }),
    read: z
      .union(
        [
          readText,
          z
            .array(z.enum([...CLASS_NAMES, "all"]))
            .min(1)
            .max(100),
        ],
        `must be a list or a text of these classes: ${KNOWN_CLASSES}`,
      )
      .optional()
      .openapi({
        description:
          "AMI read classes: a list, or a text as in manager.conf or the Events action, without blanks. An event passes if all its classes are in it.",
      }),
    events: nameList.optional().openapi({ description: "AMI event names." }),
    eventFilters: z.array(eventFilter).min(1).max(100).optional().openapi({
      description:
        "AMI event filters, legacy or advanced, as in manager.conf. Their regular expressions together may have 4,000 instructions, with repetitions expanded.",
    }),
  })
  .refine((fields) => Object.values(fields).some((field) => field !== undefined), "must name something")
  .openapi({ minProperties: 1, example: { read: ["call", "user"], eventFilters: ["!Event: Newexten"] } });

const maxBatch = z.int().min(1).max(1000).openapi({ description: "The most messages in one request." });

export const compress = z.enum(["gzip"]).openapi({
  description:
    "Send requests with `Content-Encoding: gzip`, except those that it would not make smaller. The signature is that of the body before compression.",
});

const url = z.string().min(1).max(2048).openapi({ example: "https://example.com/calls" });

const newWebhookSession = z
  .strictObject({
    feed: feedName,
    kind: z.literal("webhook").optional().openapi({ description: "May be left out." }),
    url,
    format: format.default("stasis").openapi({
      description:
        "Send each message as its Stasis event, or as the AMI text and fields that Manager would send for it.",
    }),
    from: position.default("tail").openapi({
      description:
        'Where to begin: "tail" for what is appended next, "head" for the first message still held, its number, or a time.',
    }),
    maxBatch: maxBatch.default(100),
    filter: filter.optional(),
    compress: compress.optional(),
  })
  .openapi("NewWebhookSession");
export type NewWebhookSession = z.output<typeof newWebhookSession>;

/**
 * What a section of manager.conf can be called, within Asterisk's 79 characters, and digest authentication can name.
 * Asterisk: main/manager.c, `struct ast_manager_user`; main/config.c, `process_text_line`.
 */
const username = z
  .string()
  .regex(
    /^[!#-9<-Z^-~]{1,79}$/,
    'must have 1 to 79 visible ASCII characters, none of them one of [ ] ; : " \\',
  )
  .refine((name) => name.toLowerCase() !== "general", 'must not be "general"')
  .openapi({
    example: "wallboard",
    description: "Unique in the relay. As in Manager, upper and lower case count as the same.",
  });

const amiSecret = z
  .string()
  .regex(/^[\x21-\x7e]{12,256}$/, "must have 12 to 256 visible ASCII characters")
  .openapi({ description: "What the client logs in with. Without it, the relay makes one." });

const amiRead = readText.openapi({
  description: "Read classes, as in `read =` of manager.conf. An event passes if all its classes are in it.",
});
const amiEventFilters = z.array(eventFilter).max(100).openapi({
  description: "Event filters, legacy or advanced, as in `eventfilter =` of manager.conf.",
});
const resume = z.boolean().openapi({
  description:
    "Whether a login goes on where the user's last connection was. Otherwise it begins with the next event, as in Manager.",
});
const multipleLogin = z.enum(["refuse", "take-over"]).openapi({
  description:
    "What a second login does. `refuse`: it is refused, as with `allowmultiplelogin = no` in manager.conf. `take-over`: with `resume` it closes the first connection; without, a user may have several.",
});
const sequenceHeader = z.boolean().openapi({
  description:
    "Whether every event has a `RelaySequence` header, by which a client recognises events that it was sent before.",
});

const newAmiSession = z
  .strictObject({
    feed: feedName,
    kind: z.literal("ami"),
    username,
    secret: amiSecret.optional(),
    read: amiRead.default("all"),
    eventFilters: amiEventFilters.default([]),
    resume: resume.default(false),
    multipleLogin: multipleLogin.default("take-over"),
    sequenceHeader: sequenceHeader.default(false),
  })
  .openapi("NewAmiSession");
export type NewAmiSession = z.output<typeof newAmiSession>;

export const newSession = z
  .discriminatedUnion("kind", [newWebhookSession, newAmiSession])
  .openapi("NewSession");

const state = z.enum(["paused", "active"]).optional().openapi({
  description:
    '"active" resumes a paused or suspended session where it stopped, and ends a backoff. A paused AMI user cannot log in, and its connections are closed.',
});
const next = position.optional().openapi({
  description: "Moves the session (seek): the next message to send to it. An AMI user needs `resume` for it.",
});

/** The kind of an existing session is known, so the body does not name it. */
export const sessionChange = z
  .strictObject({
    state,
    next,
    rotateSecret: z
      .union([z.literal(true), z.literal("at-once")])
      .optional()
      .openapi({
        description:
          'Makes a new secret, shown in this response only. For a while, the old secret also signs every request, or can log in; with "at-once" it ends now.',
      }),
    url: url.optional().openapi({ description: "Webhooks only." }),
    filter: filter.nullable().optional().openapi({ description: "Webhooks only. null removes the filter." }),
    maxBatch: maxBatch
      .optional()
      .openapi({ description: "Webhooks only. The most messages in one request." }),
    compress: compress
      .nullable()
      .optional()
      .openapi({ description: "Webhooks only. null ends the compression." }),
    secret: amiSecret.optional().openapi({
      description:
        "AMI users only, with `rotateSecret`: the new secret, instead of one that the relay makes.",
    }),
    read: amiRead.optional().openapi({ description: "AMI users only. Read classes, as in manager.conf." }),
    eventFilters: amiEventFilters
      .optional()
      .openapi({ description: "AMI users only. An empty list removes the filters." }),
    resume: resume.optional().openapi({
      description: "AMI users only. true begins a position at the tail; false gives the position up.",
    }),
    multipleLogin: multipleLogin.optional().openapi({ description: "AMI users only." }),
    sequenceHeader: sequenceHeader.optional().openapi({ description: "AMI users only." }),
  })
  .refine((change) => Object.keys(change).length > 0, "must change something")
  .openapi("SessionChange", { minProperties: 1 });
export type SessionChange = z.output<typeof sessionChange>;
