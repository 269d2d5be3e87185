import { z } from "@hono/zod-openapi";
import { ROLES } from "../../shared/access/accessKey.ts";
import { FEED_PATTERN } from "../../shared/access/feedPattern.ts";
import { CLASS_NAMES, READ_CLASSES } from "../../shared/ami/eventClass.ts";
import { MAX_EVENT_NAME_CHARACTERS } from "../../shared/ami/eventName.ts";
import type { Problem } from "../../shared/http/problem.ts";
import { FEED_NAME } from "../../shared/queue/sequence.ts";

/**
 * The schemas of the interface. They validate requests and make the OpenAPI document. Field names are published: where
 * one differs from the code's word, its description says so.
 */

export const feedName = z
  .string()
  .regex(
    FEED_NAME,
    "must have 1 to 64 letters, digits, dots, underscores or hyphens, and begin with a letter or digit",
  )
  .openapi({ example: "pbx-1", description: "One Asterisk system's ordered stream of messages." });

const sequence = z.int().min(1).max(Number.MAX_SAFE_INTEGER);

const isoTime = z.iso
  .datetime({ offset: true })
  .refine((text) => !Number.isNaN(Date.parse(text)), "must be a time that exists");

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

const filter = z
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

const format = z.enum(["stasis", "ami"]);

const maxBatch = z.int().min(1).max(1000).openapi({ description: "The most messages in one request." });

const compress = z.enum(["gzip"]).openapi({
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

const time = z.iso.datetime().openapi({ example: "2026-11-23T08:00:24.396Z" });

const sequenceNext = z.int().openapi({ description: "The first message that the session has not received." });
const lagSeconds = z
  .number()
  .openapi({ description: "Age of the oldest message that the session has not received." });
const lastError = z
  .object({ reason: z.string(), detail: z.string(), status: z.int().optional(), at: time })
  .nullable();

const cursorView = z
  .object({
    state: z.enum(["parked", "signalled", "active", "backoff", "paused", "suspended"]).openapi({
      description: "The state of the row. Here `active` means that a turn or a connection holds it.",
    }),
    segment: z.int().openapi({ description: "The segment in which the session is counted." }),
    fence: z.int().openapi({
      description: "Grows each time the cursor is taken over. Webhooks carry it as `epoch`.",
    }),
    lane: z.enum(["fast", "slow"]),
    leaseUntil: time.nullable().openapi({ description: "When the lease of its holder expires." }),
    dueAt: time.nullable().openapi({ description: "When the backoff ends." }),
    gap: z
      .object({ first: z.int(), last: z.int(), reason: z.string() })
      .nullable()
      .openapi({ description: "A gap that is not reported to the subscriber yet." }),
  })
  .openapi({ description: "The durable row behind the session, for troubleshooting." });
export type CursorView = z.infer<typeof cursorView>;

const webhookSessionView = z
  .object({
    id: z.string(),
    feed: z.string(),
    kind: z.literal("webhook"),
    url: z.string(),
    format,
    maxBatch: z.int(),
    filter: filter.nullable(),
    compress: compress.nullable(),
    state: z.enum(["active", "backoff", "paused", "suspended"]).openapi({
      description:
        "What the session's owner wants, and what stops it. Here `active` means that nothing does; whether a turn holds the session is in `cursor.state`.",
    }),
    next: sequenceNext,
    lagMessages: z.int(),
    lagSeconds,
    attempts: z.int().openapi({ description: "Failures in a row." }),
    lastError,
    lastDelivery: time.nullable(),
    createdAt: time,
    cursor: cursorView,
  })
  .openapi("WebhookSession");
export type WebhookSessionView = z.infer<typeof webhookSessionView>;

const amiSessionView = z
  .object({
    id: z.string(),
    feed: z.string(),
    kind: z.literal("ami"),
    username: z.string(),
    read: z.string(),
    eventFilters: z.array(z.string()),
    resume: z.boolean(),
    multipleLogin: z.enum(["refuse", "take-over"]),
    sequenceHeader: z.boolean(),
    state: z.enum(["active", "paused", "suspended"]).openapi({
      description:
        "`active`: can log in. `suspended`: the position is beyond the feed's end, so a person must set it.",
    }),
    connectedSince: time.nullable().openapi({
      description:
        "When the connection that holds the position logged in; null when there is none. Without `resume`, connections are not recorded, and it is null.",
    }),
    lastLogin: time.nullable().openapi({ description: "Recorded with `resume` only." }),
    next: sequenceNext
      .nullable()
      .openapi({ description: "null without `resume`, as all that follows from it." }),
    lagMessages: z.int().nullable(),
    lagSeconds: lagSeconds.nullable(),
    lastError,
    lastDelivery: time.nullable(),
    createdAt: time,
    cursor: cursorView.nullable(),
  })
  .openapi("AmiSession");
export type AmiSessionView = z.infer<typeof amiSessionView>;

export const sessionView = z
  .discriminatedUnion("kind", [webhookSessionView, amiSessionView])
  .openapi("Session");
export type SessionView = z.infer<typeof sessionView>;

const newSecret = z.string().openapi({
  description: "Signs the requests (Standard Webhooks), or logs in to the AMI gateway. Not shown again.",
});
export const createdSession = z
  .discriminatedUnion("kind", [
    webhookSessionView.extend({ secret: newSecret }).openapi("CreatedWebhookSession"),
    amiSessionView.extend({ secret: newSecret }).openapi("CreatedAmiSession"),
  ])
  .openapi("CreatedSession");

const rotatedSecret = z.string().optional().openapi({ description: "The new secret, after a rotation." });
export const changedSession = z
  .discriminatedUnion("kind", [
    webhookSessionView.extend({ secret: rotatedSecret }).openapi("ChangedWebhookSession"),
    amiSessionView.extend({ secret: rotatedSecret }).openapi("ChangedAmiSession"),
  ])
  .openapi("ChangedSession");

export const sessionList = z
  .object({ sessions: z.array(sessionView), after: z.string().optional() })
  .openapi("SessionList");

export const attemptView = z
  .object({
    outcome: z.enum(["accepted", "failed"]),
    status: z.int().optional(),
    reason: z.string().optional().openapi({ description: "Of a failure. Stable, for programs." }),
    detail: z.string().optional().openapi({ description: "Of a failure, for people." }),
    since: time.openapi({ description: "When the first request of the entry was answered." }),
    at: time.openapi({ description: "When the last request of the entry was answered." }),
    durationMillis: z.int().openapi({ description: "Of the longest request." }),
    requests: z.int().openapi({
      description:
        "Successes that follow each other within a minute are one entry; a failure is one of its own.",
    }),
    batch: z.string().openapi({ description: "The `webhook-id` of the last request." }),
    first: z.int().openapi({ description: "The first message, or the beginning of the gap." }),
    last: z.int().openapi({ description: "The last message, or the end of the gap." }),
    messages: z.int(),
    gap: z.string().optional().openapi({ description: "The reason of the gap that the request reported." }),
    test: z.string().optional().openapi({ description: "The id of the test message that it was." }),
  })
  .openapi("Attempt");
export type AttemptView = z.infer<typeof attemptView>;

export const attemptList = z
  .object({ session: z.string(), attempts: z.array(attemptView) })
  .openapi("AttemptList");

export const explanation = z
  .object({
    session: z.string(),
    feed: z.string(),
    sequence: z.int(),
    outcome: z
      .enum([
        "delivered",
        "passed",
        "filtered",
        "gap",
        "in-flight",
        "waiting",
        "not-appended",
        "freed",
        "expired",
        "no-position",
      ])
      .openapi({
        description:
          "`passed`: the session stands behind it, and no attempt at it is recorded. `no-position`: the AMI user has none.",
      }),
    because: z
      .enum(["backoff", "paused", "suspended", "batch", "wake", "connection"])
      .optional()
      .openapi({ description: "What a waiting message waits for." }),
    explanation: z.string().openapi({ description: "For people." }),
    filter: z
      .object({
        part: z.enum(["form", "class", "types", "read", "events", "eventFilters"]),
        line: z.string().optional().openapi({
          description: "The event filter that excludes it; absent when no including filter matches.",
        }),
      })
      .optional()
      .openapi({ description: "The part of the filter, as it is now, that the message does not pass." }),
    attempt: attemptView.optional().openapi({
      description: "The request that brought or reported it, or the last one that failed to.",
    }),
    message: z
      .object({
        type: z.string().optional(),
        amiEvent: z.string().optional(),
        amiClasses: z.array(z.string()).optional(),
        appendedAt: time,
      })
      .optional()
      .openapi({ description: "Absent when the message is not held." }),
  })
  .openapi("Explanation");
export type ExplanationView = z.infer<typeof explanation>;

/** A whole number in a query: digits and nothing else. */
function queryNumber(maximum: number) {
  return z
    .string()
    .regex(/^\d{1,16}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.int().min(1).max(maximum))
    .openapi({ type: "integer", minimum: 1, maximum });
}

/** How many items a response has at most, 100 when the query does not say. */
function limitUpTo(maximum: number) {
  return queryNumber(maximum).default(100).openapi({ type: "integer", minimum: 1, maximum, default: 100 });
}

export const sequenceInPath = queryNumber(Number.MAX_SAFE_INTEGER);

export const listQuery = z.object({
  limit: limitUpTo(100),
  after: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .openapi({ description: "The `after` of the previous response." }),
});

/** Lists leave out what the caller's key does not cover, so a page may have fewer entries than asked for, or none. */
const nextPage = z
  .string()
  .optional()
  .openapi({ description: "Pass it as `after` to get the next page; absent on the last page." });

export const feedView = z
  .object({
    feed: z.string(),
    head: z
      .int()
      .openapi({ description: "The first sequence number still held: the first one of the head segment." }),
    tail: z.int().openapi({ description: "The last sequence number appended; 0 if there is none." }),
    segmentSize: z.int(),
    wrapUnmapped: z.literal(true).optional().openapi({
      description: "An event that Manager does not have becomes a UserEvent named `ARI-<type>`.",
    }),
    segments: z
      .array(
        z.object({
          segment: z.int(),
          messages: z.int(),
          references: z.int().openapi({ description: "How many sessions are counted in the segment." }),
        }),
      )
      .openapi({
        description:
          "All segments; of more than 100, the first, the last, and the lowest ones where sessions stand.",
      }),
    segmentsLeftOut: z
      .int()
      .optional()
      .openapi({ description: "How many segments are not listed; absent if there are none." }),
  })
  .openapi("Feed");
export type FeedView = z.infer<typeof feedView>;

const feedSummary = z
  .object({
    feed: z.string(),
    head: z.int().openapi({ description: "The first sequence number still held." }),
    tail: z.int().openapi({ description: "The last sequence number appended; 0 if there is none." }),
    lastAppend: time.nullable(),
    sessions: z.int().openapi({ description: "How many sessions follow the feed." }),
    lagMessagesAtMost: z.int().openapi({
      description:
        "No session lags more than this: from the first number of the lowest segment with a session to the tail.",
    }),
    producers: z
      .int()
      .openapi({ description: "How many named producers the last page knows: those of the last day." }),
  })
  .openapi("FeedSummary");
export type FeedSummary = z.infer<typeof feedSummary>;

export const feedList = z.object({ feeds: z.array(feedSummary), after: nextPage }).openapi("FeedList");

const producerView = z
  .object({
    producer: z.string(),
    start: z.int().openapi({ description: "The first position that the feed knows of this producer." }),
    next: z.int().openapi({ description: "The position that the feed expects next." }),
    gaps: z
      .array(z.object({ first: z.int(), last: z.int() }))
      .openapi({ description: "Positions that were skipped and reported as gaps; the last 8." }),
    lastSeen: time,
    key: z.string().nullable().openapi({
      description:
        "The key under which it first sent: the feed remembers it for 30 days. null: a day, as one of 32.",
    }),
  })
  .openapi("Producer");
export type ProducerView = z.infer<typeof producerView>;

export const producerList = z
  .object({ feed: z.string(), producers: z.array(producerView) })
  .openapi("ProducerList");

export const feedChange = z.strictObject({ wrapUnmapped: z.boolean() }).openapi("FeedChange");

/** `position` as a query can have it. */
const queryPosition = z
  .union(
    [z.enum(["tail", "head"]), queryNumber(Number.MAX_SAFE_INTEGER), isoTime.transform((time) => ({ time }))],
    'must be "tail", "head", a whole number from 1 on, or a time in ISO 8601',
  )
  .openapi({
    description:
      'Where to begin: a number, a time, "tail" for what is appended next, or "head", as without it, for the first message still held.',
  });

export const messagesQuery = z.object({
  format: format.default("stasis"),
  from: queryPosition.optional(),
  limit: limitUpTo(1000),
  wait: z
    .string()
    .regex(/^(?:1?\d|20)$/, "must be a whole number of seconds, at most 20")
    .transform(Number)
    .default(0)
    .openapi({
      type: "integer",
      minimum: 0,
      maximum: 20,
      default: 0,
      description: "Long poll: when there is nothing to read, wait for it, so many seconds at most.",
    }),
});

const stasisMessage = z
  .object({
    sequence: z.int(),
    type: z.string(),
    timestamp: z.string(),
    event: z.looseObject({}).openapi({ description: "The Stasis event as Asterisk sent it." }),
  })
  .openapi("StasisMessage");

const amiMessage = z
  .object({
    sequence: z.int(),
    type: z.string().openapi({ description: "The AMI event's name." }),
    timestamp: z.string(),
    text: z.string().openapi({ description: "The AMI text, including its line endings." }),
    fields: z
      .record(z.string(), z.union([z.string(), z.array(z.string())]))
      .openapi({ description: "The fields of the text by name; repeated fields are arrays." }),
    charset: z.string().optional().openapi({
      description:
        "What `text` was read as, when Asterisk's bytes are not UTF-8: the declared charset, or iso-8859-1.",
    }),
    base64: z
      .string()
      .optional()
      .openapi({ description: "The bytes of `text` as Asterisk sent them, when they are not UTF-8." }),
  })
  .openapi("AmiMessage");

const message = z.union([stasisMessage, amiMessage]).openapi("Message");

export const messageList = z
  .object({
    feed: z.string(),
    messages: z.array(message),
    next: z.int().openapi({ description: "Pass it as `from` to read on." }),
    gap: z
      .object({ first: z.int(), last: z.int() })
      .optional()
      .openapi({ description: "Numbers that were requested and are no longer held." }),
  })
  .openapi("MessageList");

export const webhookRequest = z
  .object({
    feed: z.string(),
    session: z.string().openapi({ description: "The session's id." }),
    epoch: z.int().openapi({
      description:
        "The fence of the session's cursor: it grows each time another turn takes the session over. A smaller one than before marks a late request.",
    }),
    first: z.int(),
    last: z.int(),
    previous: z
      .int()
      .openapi({ description: "The last sequence number sent to this session before `first`." }),
    messages: z.array(message),
  })
  .openapi("WebhookRequest");

const placed = z.array(z.object({ at: z.string(), error: z.string() }));
const indexed = z.array(z.object({ index: z.int(), error: z.string() }));

export const appendResult = z
  .object({
    first: z.int().nullable().openapi({ description: "null: its message was appended before and is freed." }),
    last: z.int().nullable().openapi({ description: "null: its message was appended before and is freed." }),
    accepted: z.int(),
    duplicates: z
      .int()
      .openapi({ description: "Events that were appended before. They keep their original numbers." }),
    refused: indexed,
    skipped: z.int().optional().openapi({
      description:
        "In AMI text: blocks that are not appended: greetings, responses, and the events that belong to a response.",
    }),
  })
  .openapi("AppendResult");

/** Events are judged one by one, so the schema of a request asks nothing of them. */
export const events = z
  .array(z.unknown())
  .min(1)
  .openapi("Events", {
    description: `Each an object with a \`type\` of 1 to ${MAX_EVENT_NAME_CHARACTERS} visible characters. An event that is not is refused alone; the response names it.`,
    example: [{ type: "ChannelCreated", timestamp: "2026-11-23T08:00:24.403+0000", channel: { id: "1.0" } }],
  });

const role = z.enum(ROLES);

const feedPatterns = z
  .array(
    z
      .string()
      .regex(
        FEED_PATTERN,
        "must have 1 to 64 letters, digits, dots, underscores, hyphens or stars; a star stands for any characters",
      ),
  )
  .min(1)
  .max(20);

const keyName = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[\x20-\x7e\u00a0-\uffff]*$/, "must have no control characters");

const newKeyFields = {
  name: keyName.openapi({ description: "For people: who has it.", example: "bridge of pbx-1" }),
  requestsPerSecond: z.int().min(1).max(10_000).default(200).openapi({
    description: "The rate limit, in each process of the relay. Twice as many may come at once.",
  }),
};

export const newKey = z
  .discriminatedUnion("role", [
    z
      .strictObject({
        ...newKeyFields,
        role: z.enum(["producer", "reader"]).openapi({
          description: "`producer`: append. `reader`: read feeds, messages, sessions.",
        }),
        feeds: feedPatterns.openapi({
          description: "Names of feeds, in which `*` stands for any characters.",
          example: ["pbx-1"],
        }),
      })
      .openapi("NewLimitedKey"),
    z
      .strictObject({
        ...newKeyFields,
        role: z.literal("manager").openapi({ description: "Everything." }),
        feeds: feedPatterns.optional().openapi({ description: "As above; all feeds if absent." }),
      })
      .openapi("NewManagerKey"),
  ])
  .openapi("NewKey");

export const keyView = z
  .object({
    id: z.string(),
    name: z.string(),
    role,
    feeds: z.array(z.string()),
    requestsPerSecond: z.int(),
    createdAt: time,
    lastUsed: time.nullable().openapi({ description: "Exact to the hour." }),
  })
  .openapi("Key");
export type KeyView = z.infer<typeof keyView>;

export const createdKey = keyView
  .extend({ key: z.string().openapi({ description: "The bearer token. Not shown again." }) })
  .openapi("CreatedKey");

export const keyList = z.object({ keys: z.array(keyView), after: nextPage }).openapi("KeyList");

export const serviceView = z
  .object({
    name: z.string(),
    version: z.string(),
    description: z.string(),
    console: z.string(),
    docs: z.string(),
    openapi: z.string(),
    health: z.string(),
  })
  .openapi("Service");

export const problem = z
  .object({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int(),
    code: z.string().openapi({ description: "Stable, for programs." }),
    detail: z.string(),
    errors: placed.optional().openapi({ description: "Where the request is wrong, one entry per place." }),
    refused: indexed.optional().openapi({ description: "Refused events, by their index in the body." }),
  })
  .openapi("Problem") satisfies z.ZodType<Problem>;
