import { expect, it } from "vitest";
import type { z } from "zod";
import type * as client from "../../../client/types.ts";
import type * as attempts from "../../../functions/api/schemas/attempts.ts";
import type * as common from "../../../functions/api/schemas/common.ts";
import type * as feeds from "../../../functions/api/schemas/feeds.ts";
import type * as keys from "../../../functions/api/schemas/keys.ts";
import type * as messages from "../../../functions/api/schemas/messages.ts";
import type * as newSessions from "../../../functions/api/schemas/newSessions.ts";
import type * as sessions from "../../../functions/api/schemas/sessions.ts";

/** The type without `readonly`, and without `undefined` in optional properties. */
type Plain<T> = T extends readonly (infer Element)[]
  ? Plain<Element>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Plain<Exclude<T[Key], undefined>> }
    : T;

type IsSame<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

type Agree<Type, Schema> = IsSame<Plain<Type>, Plain<Schema>>;

/** A request's optional parts have defaults in the schema, so its input type counts. For a response, the output type. */
type Takes<Schema extends z.ZodType> = z.input<Schema>;
type Answers<Schema extends z.ZodType> = z.output<Schema>;

/** Fails to compile when a type differs from its schema. */
const agree: {
  readonly newSession: Agree<client.NewSession, Takes<typeof newSessions.newSession>>;
  readonly sessionChange: Agree<client.SessionChange, Takes<typeof newSessions.sessionChange>>;
  readonly feedChange: Agree<client.FeedChange, Takes<typeof feeds.feedChange>>;
  readonly messagesQuery: IsSame<keyof client.MessagesQuery, keyof Takes<typeof messages.messagesQuery>>;
  readonly messageFormat: Agree<client.MessageFormat, Answers<typeof messages.messagesQuery>["format"]>;
  readonly session: Agree<client.Session, Answers<typeof sessions.sessionView>>;
  readonly createdSession: Agree<client.CreatedSession, Answers<typeof sessions.createdSession>>;
  readonly changedSession: Agree<client.ChangedSession, Answers<typeof sessions.changedSession>>;
  readonly sessionList: Agree<client.SessionList, Answers<typeof sessions.sessionList>>;
  readonly attemptList: Agree<client.AttemptList, Answers<typeof attempts.attemptList>>;
  readonly explanation: Agree<client.Explanation, Answers<typeof attempts.explanation>>;
  readonly feedList: Agree<client.FeedList, Answers<typeof feeds.feedList>>;
  readonly producerList: Agree<client.ProducerList, Answers<typeof feeds.producerList>>;
  readonly newKey: Agree<client.NewKey, Takes<typeof keys.newKey>>;
  readonly createdKey: Agree<client.CreatedKey, Answers<typeof keys.createdKey>>;
  readonly keyList: Agree<client.KeyList, Answers<typeof keys.keyList>>;
  readonly feed: Agree<client.Feed, Answers<typeof feeds.feedView>>;
  readonly messageList: Agree<client.MessageList, Answers<typeof messages.messageList>>;
  readonly webhookRequest: Agree<client.WebhookRequest, Answers<typeof messages.webhookRequest>>;
  readonly appendResult: Agree<client.AppendResult, Answers<typeof messages.appendResult>>;
  readonly problem: Agree<client.Problem, Answers<typeof common.problem>>;
  readonly aMissingPart: Agree<Omit<client.Feed, "wrapUnmapped">, Answers<typeof feeds.feedView>>;
  readonly anotherType: Agree<client.AppendResult & { first: string }, Answers<typeof messages.appendResult>>;
  readonly optional: Agree<Required<client.SessionList>, Answers<typeof sessions.sessionList>>;
} = {
  newSession: true,
  sessionChange: true,
  feedChange: true,
  messagesQuery: true,
  messageFormat: true,
  session: true,
  createdSession: true,
  changedSession: true,
  sessionList: true,
  attemptList: true,
  explanation: true,
  feedList: true,
  producerList: true,
  newKey: true,
  createdKey: true,
  keyList: true,
  feed: true,
  messageList: true,
  webhookRequest: true,
  appendResult: true,
  problem: true,
  // These differ on purpose, to prove that the check works.
  aMissingPart: false,
  anotherType: false,
  optional: false,
};

it("the compiler finds the client's types equal to the interface's schemas", () => {
  expect(Object.values(agree).filter(Boolean)).toHaveLength(21);
});
