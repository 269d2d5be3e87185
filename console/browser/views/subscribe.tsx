import { useRef, useState } from "preact/hooks";
import type { CreatedSession, MessageFormat, NewSession, Position } from "../../../client/index.ts";
import { Code, Secret } from "../parts/copy.tsx";
import { TestButton } from "../parts/sessionActions.tsx";
import { usePoll } from "../poll.ts";
import { receiverCode } from "../receiverCode.ts";
import { explain, relay } from "../relay.ts";

const FEEDS_EVERY_MILLIS = 60_000;
const MOST_SUGGESTIONS = 100;

export function Subscribe() {
  const [created, setCreated] = useState<CreatedSession>();
  return created === undefined ? (
    <>
      <div class="title">
        <h1>Subscribe</h1>
        <p class="muted">A webhook that the relay calls, or a user of the AMI gateway</p>
      </div>
      <SubscribeForm onCreated={setCreated} />
    </>
  ) : (
    <Created session={created} again={() => setCreated(undefined)} />
  );
}

type Kind = "webhook" | "ami";

interface Wanted {
  readonly kind: Kind;
  readonly feed: string;
  readonly url: string;
  readonly username: string;
  readonly format: MessageFormat;
  readonly from: "tail" | "head" | "number" | "time";
  readonly number: string;
  readonly time: string;
  readonly types: string;
  readonly read: string;
  readonly eventFilters: string;
  readonly resume: boolean;
}

function SubscribeForm({ onCreated }: { onCreated(session: CreatedSession): void }) {
  const [wanted, setWanted] = useState<Wanted>({
    kind: "webhook",
    feed: new URLSearchParams(location.search).get("feed") ?? "",
    url: "",
    username: "",
    format: "stasis",
    from: "tail",
    number: "1",
    time: "",
    types: "",
    read: "",
    eventFilters: "",
    resume: true,
  });
  const [problem, setProblem] = useState<string>();
  const [isRunning, setRunning] = useState(false);
  // An answer that was lost leaves no second session: the same form is sent under the same key.
  const attempt = useRef({ body: "", key: "" });
  const change = (changed: Partial<Wanted>) => setWanted({ ...wanted, ...changed });
  const submit = async (event: Event) => {
    event.preventDefault();
    setRunning(true);
    setProblem(undefined);
    const session = newSession(wanted);
    const body = JSON.stringify(session);
    if (attempt.current.body !== body) attempt.current = { body, key: randomKey() };
    try {
      onCreated(await relay.createSession(session, { idempotencyKey: attempt.current.key }));
    } catch (error) {
      setProblem(explain(error));
      setRunning(false);
    }
  };
  const isWebhook = wanted.kind === "webhook";
  return (
    <form class="card stack form" onSubmit={submit}>
      <fieldset class="chips">
        <legend class="visually-hidden">Kind</legend>
        <button type="button" aria-pressed={isWebhook} onClick={() => change({ kind: "webhook" })}>
          Webhook
        </button>
        <button type="button" aria-pressed={!isWebhook} onClick={() => change({ kind: "ami" })}>
          AMI user
        </button>
      </fieldset>
      <FeedField feed={wanted.feed} change={(feed) => change({ feed })} />
      {isWebhook ? (
        <WebhookFields wanted={wanted} change={change} />
      ) : (
        <AmiFields wanted={wanted} change={change} />
      )}
      {problem !== undefined && (
        <p class="notice bad" role="alert">
          {problem}
        </p>
      )}
      <div class="buttons">
        <button type="submit" class="primary" disabled={isRunning}>
          Subscribe
        </button>
      </div>
    </form>
  );
}

interface FieldsProps {
  readonly wanted: Wanted;
  change(changed: Partial<Wanted>): void;
}

function FeedField({ feed, change }: { feed: string; change(feed: string): void }) {
  const { data: feeds = [] } = usePoll(async () => {
    const names: string[] = [];
    for await (const each of relay.listFeeds()) {
      names.push(each.feed);
      if (names.length >= MOST_SUGGESTIONS) break;
    }
    return names;
  }, FEEDS_EVERY_MILLIS);
  return (
    <label class="field">
      <span>Feed</span>
      <input
        required
        list="feeds"
        maxLength={64}
        value={feed}
        placeholder="pbx-1"
        onInput={(event) => change(event.currentTarget.value)}
      />
      <datalist id="feeds">
        {feeds.map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
    </label>
  );
}

function WebhookFields({ wanted, change }: FieldsProps) {
  return (
    <>
      <label class="field">
        <span>URL</span>
        <input
          type="url"
          required
          maxLength={2048}
          placeholder="https://example.com/calls"
          value={wanted.url}
          onInput={(event) => change({ url: event.currentTarget.value })}
        />
      </label>
      <div class="fields">
        <label class="field">
          <span>Format</span>
          <select
            value={wanted.format}
            onChange={(event) => change({ format: event.currentTarget.value === "ami" ? "ami" : "stasis" })}
          >
            <option value="stasis">Stasis: ARI’s JSON events</option>
            <option value="ami">AMI: text and fields of Manager</option>
          </select>
        </label>
        <label class="field">
          <span>Begin</span>
          <select
            value={wanted.from}
            onChange={(event) => {
              const from = (["tail", "head", "number", "time"] as const).find(
                (each) => each === event.currentTarget.value,
              );
              if (from !== undefined) change({ from });
            }}
          >
            <option value="tail">with what comes from now on</option>
            <option value="head">with all that is still held</option>
            <option value="number">at a number</option>
            <option value="time">at a time</option>
          </select>
        </label>
        {wanted.from === "number" && (
          <label class="field">
            <span>First message</span>
            <input
              type="number"
              min="1"
              step="1"
              required
              value={wanted.number}
              onInput={(event) => change({ number: event.currentTarget.value })}
            />
          </label>
        )}
        {wanted.from === "time" && (
          <label class="field">
            <span>Appended at this time or later</span>
            <input
              type="datetime-local"
              step="1"
              required
              value={wanted.time}
              onInput={(event) => change({ time: event.currentTarget.value })}
            />
          </label>
        )}
      </div>
      <details>
        <summary>Filter</summary>
        <div class="stack">
          {wanted.format === "stasis" && (
            <label class="field">
              <span>Only these event types</span>
              <input
                placeholder="StasisStart ChannelDestroyed"
                value={wanted.types}
                onInput={(event) => change({ types: event.currentTarget.value })}
              />
            </label>
          )}
          <ReadField wanted={wanted} change={change} />
          <FilterField wanted={wanted} change={change} />
        </div>
      </details>
    </>
  );
}

function AmiFields({ wanted, change }: FieldsProps) {
  return (
    <>
      <label class="field">
        <span>User name</span>
        <input
          required
          maxLength={79}
          placeholder="wallboard"
          value={wanted.username}
          onInput={(event) => change({ username: event.currentTarget.value })}
        />
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={wanted.resume}
          onChange={(event) => change({ resume: event.currentTarget.checked })}
        />
        A login goes on where the last connection was (resume)
      </label>
      <ReadField wanted={wanted} change={change} />
      <FilterField wanted={wanted} change={change} />
    </>
  );
}

function ReadField({ wanted, change }: FieldsProps) {
  return (
    <label class="field">
      <span>AMI read classes</span>
      <input
        placeholder="call,agent"
        value={wanted.read}
        onInput={(event) => change({ read: event.currentTarget.value })}
      />
      <span class="hint">as in manager.conf; empty for all</span>
    </label>
  );
}

function FilterField({ wanted, change }: FieldsProps) {
  return (
    <label class="field">
      <span>AMI event filters</span>
      <textarea
        rows={2}
        placeholder="!Event: Newexten"
        value={wanted.eventFilters}
        onInput={(event) => change({ eventFilters: event.currentTarget.value })}
      />
      <span class="hint">one a line, as in manager.conf</span>
    </label>
  );
}

function newSession(wanted: Wanted): NewSession {
  const { kind, feed, username, url, format, resume } = wanted;
  const read = wanted.read.trim();
  const eventFilters = wanted.eventFilters.split("\n").filter((each) => each.trim() !== "");
  const types = wanted.format === "stasis" ? wanted.types.split(/[\s,]+/).filter((each) => each !== "") : [];
  if (kind === "ami") return { feed, kind, username, resume, eventFilters, ...(read === "" ? {} : { read }) };
  const filter = {
    ...(types.length > 0 && { types }),
    ...(read !== "" && { read }),
    ...(eventFilters.length > 0 && { eventFilters }),
  };
  return { feed, url, format, from: beginning(wanted), ...(Object.keys(filter).length > 0 && { filter }) };
}

function beginning({ from, number, time }: Wanted): Position {
  if (from === "number") return Number(number);
  if (from === "time") return { time: new Date(time).toISOString() };
  return from;
}

/** `crypto.randomUUID` exists over TLS and on this machine only. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

const LANGUAGES = ["Node", "Python", "curl"] as const;

function Created({ session, again }: { session: CreatedSession; again(): void }) {
  const [language, setLanguage] = useState<(typeof LANGUAGES)[number]>("Node");
  return (
    <>
      <div class="title">
        <h1>Subscribed</h1>
        <p class="muted">{session.id}</p>
      </div>
      <div class="card stack">
        <Secret
          label={session.kind === "ami" ? "Secret to log in with" : "Secret that signs the requests"}
          text={session.secret}
        />
        {session.kind === "webhook" && <TestButton id={session.id} />}
      </div>
      {session.kind === "webhook" ? (
        <section class="card stack" aria-labelledby="code">
          <h2 id="code">A receiver</h2>
          <fieldset class="chips">
            <legend class="visually-hidden">Language</legend>
            {LANGUAGES.map((each) => (
              <button
                key={each}
                type="button"
                aria-pressed={each === language}
                onClick={() => setLanguage(each)}
              >
                {each}
              </button>
            ))}
          </fieldset>
          <Code text={receiverCode(language, session)} what={`the code for ${language}`} />
          <p class="muted small">
            It verifies the signature and prints the messages. docs/webhooks.md has whole receivers that also
            store them and notice when one is missing.
          </p>
        </section>
      ) : (
        <section class="card stack" aria-labelledby="login">
          <h2 id="login">Log in</h2>
          <Code
            text={`Action: Login\nUsername: ${session.username}\nSecret: ${session.secret}`}
            what="the login action"
          />
          <p class="muted small">
            At the AMI gateway: docs/ami-clients.md has a program for each of the usual libraries.
          </p>
        </section>
      )}
      <div class="buttons">
        <button type="button" onClick={again}>
          Subscribe another one
        </button>
        <a class="button primary" href={`/console/sessions/${encodeURIComponent(session.id)}`}>
          To the session
        </a>
      </div>
    </>
  );
}
