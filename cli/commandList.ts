import type { Command } from "commander";

/** A file of `commands/`. */
export interface CommandModule {
  /**
   * Gives the command its arguments, options and action. What it needs to run, it may load then.
   * @param all every command with its options, for those that speak of the others
   */
  define(command: Command, all: () => Promise<readonly Command[]>): void;
}

interface ListedCommand {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

/** What `--help` lists, by group. A command's file is loaded when it is called. */
export const COMMANDS: Readonly<Record<string, readonly ListedCommand[]>> = {
  "Look:": [
    {
      name: "feeds",
      summary: "the feeds: how far each is, who follows it",
      load: () => import("./commands/feeds.ts"),
    },
    {
      name: "feed",
      summary: "one feed: what it holds, who sends, who stands where",
      load: () => import("./commands/feed.ts"),
    },
    {
      name: "tail",
      summary: "the messages of a feed, live",
      load: () => import("./commands/tail.ts"),
    },
    {
      name: "sessions",
      summary: "the sessions: state, lag, and why one does not receive",
      load: () => import("./commands/sessions.ts"),
    },
    {
      name: "session",
      summary: "one session: settings, position, what its endpoint answered",
      load: () => import("./commands/session.ts"),
    },
    {
      name: "explain",
      summary: "why a message did or did not reach a session",
      load: () => import("./commands/explain.ts"),
    },
    {
      name: "doctor",
      summary: "what works on the way to the relay, and what does not",
      load: () => import("./commands/doctor.ts"),
    },
  ],
  "Subscribe:": [
    {
      name: "subscribe",
      summary: "a webhook or an AMI user follows a feed",
      load: () => import("./commands/subscribe.ts"),
    },
    {
      name: "change",
      summary: "change a session's address, filter or batches",
      load: () => import("./commands/change.ts"),
    },
    {
      name: "test",
      summary: "send a test message to a session's endpoint",
      load: () => import("./commands/test.ts"),
    },
    {
      name: "pause",
      summary: "a session stays where it is until it is resumed",
      load: () => import("./commands/pause.ts"),
    },
    {
      name: "resume",
      summary: "a paused or suspended session goes on; ends a backoff",
      load: () => import("./commands/resume.ts"),
    },
    {
      name: "seek",
      summary: "move a session to another place of its feed",
      load: () => import("./commands/seek.ts"),
    },
    {
      name: "replay",
      summary: "send a session what it had, once more",
      load: () => import("./commands/replay.ts"),
    },
    {
      name: "rotate",
      summary: "a new secret for a session",
      load: () => import("./commands/rotate.ts"),
    },
    {
      name: "delete",
      summary: "end a subscription",
      load: () => import("./commands/delete.ts"),
    },
  ],
  "Develop:": [
    {
      name: "listen",
      summary: "messages of a feed as signed webhooks to this machine",
      load: () => import("./commands/listen.ts"),
    },
    {
      name: "append",
      summary: "append the events of a file",
      load: () => import("./commands/append.ts"),
    },
    {
      name: "verify-signature",
      summary: "whether a webhook request is signed with a secret, and why not",
      load: () => import("./commands/verifySignature.ts"),
    },
    {
      name: "convert",
      summary: "Stasis events to AMI, without a relay",
      load: () => import("./commands/convert.ts"),
    },
    {
      name: "filter",
      summary: "AMI text through a session's filter, without a relay",
      load: () => import("./commands/filter.ts"),
    },
  ],
  "Access:": [
    {
      name: "login",
      summary: "keep a relay's address and key",
      load: () => import("./commands/login.ts"),
    },
    {
      name: "context",
      summary: "which relay commands call; choose or remove one",
      load: () => import("./commands/context.ts"),
    },
    {
      name: "keys",
      summary: "the relay's keys; make or revoke one",
      load: () => import("./commands/keys.ts"),
    },
  ],
  "Run:": [
    {
      name: "start",
      summary: "the whole relay on this machine",
      load: () => import("./commands/start.ts"),
    },
    {
      name: "bridge",
      summary: "bring the events of PBXs into a relay",
      load: () => import("./commands/bridge.ts"),
    },
    {
      name: "ami",
      summary: "a local port for AMI clients that cannot speak TLS",
      load: () => import("./commands/ami.ts"),
    },
    {
      name: "completion",
      summary: "completion of commands and options for your shell",
      load: () => import("./commands/completion.ts"),
    },
  ],
};
