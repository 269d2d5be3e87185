import { expect, it } from "vitest";
import type { z } from "zod";
import type * as client from "../../../client/types.ts";
import type * as schemas from "../../../functions/api/schemas.ts";

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
  readonly newSession: Agree<client.NewSession, Takes<typeof schemas.newSession>>;
  readonly sessionChange: Agree<client.SessionChange, Takes<typeof schemas.sessionChange>>;
  readonly feedChange: Agree<client.FeedChange, Takes<typeof schemas.feedChange>>;
  readonly messagesQuery: IsSame<keyof client.MessagesQuery, keyof Takes<typeof schemas.messagesQuery>>;
  readonly messageFormat: Agree<client.MessageFormat, Answers<typeof schemas.messagesQuery>["format"]>;
  readonly session: Agree<client.Session, Answers<typeof schemas.sessionView>>;
  readonly createdSession: Agree<client.CreatedSession, Answers<typeof schemas.createdSession>>;
  readonly changedSession: Agree<client.ChangedSession, Answers<typeof schemas.changedSession>>;
  readonly sessionList: Agree<client.SessionList, Answers<typeof schemas.sessionList>>;
  readonly attemptList: Agree<client.AttemptList, Answers<typeof schemas.attemptList>>;
  readonly explanation: Agree<client.Explanation, Answers<typeof schemas.explanation>>;
  readonly feedList: Agree<client.FeedList, Answers<typeof schemas.feedList>>;
  readonly producerList: Agree<client.ProducerList, Answers<typeof schemas.producerList>>;
  readonly newKey: Agree<client.NewKey, Takes<typeof schemas.newKey>>;
  readonly createdKey: Agree<client.CreatedKey, Answers<typeof schemas.createdKey>>;
  readonly keyList: Agree<client.KeyList, Answers<typeof schemas.keyList>>;
  readonly feed: Agree<client.Feed, Answers<typeof schemas.feedView>>;
  readonly messageList: Agree<client.MessageList, Answers<typeof schemas.messageList>>;
  readonly webhookRequest: Agree<client.WebhookRequest, Answers<typeof schemas.webhookRequest>>;
  readonly appendResult: Agree<client.AppendResult, Answers<typeof schemas.appendResult>>;
  readonly problem: Agree<client.Problem, Answers<typeof schemas.problem>>;
  readonly aMissingPart: Agree<Omit<client.Feed, "wrapUnmapped">, Answers<typeof schemas.feedView>>;
  readonly anotherType: Agree<client.AppendResult & { first: string }, Answers<typeof schemas.appendResult>>;
  readonly optional: Agree<Required<client.SessionList>, Answers<typeof schemas.sessionList>>;
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
