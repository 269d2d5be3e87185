import { z } from "@hono/zod-openapi";
import { ROLES } from "../../../shared/access/accessKey.ts";
import { FEED_PATTERN } from "../../../shared/access/feedPattern.ts";
import { nextPage, time } from "./common.ts";

/** Keys, as they are made and shown. */

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
