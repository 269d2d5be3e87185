import { useState } from "preact/hooks";
import type { Attempt, Session } from "../../../client/index.ts";
import { count, counted, seconds } from "../format.ts";
import { explain, relay } from "../relay.ts";
import { nameOf } from "../sessionWords.ts";
import { Outcome } from "./attempts.tsx";
import { Secret } from "./copy.tsx";
import { Confirm, Dialog } from "./dialog.tsx";
import { SeekDialog } from "./seekDialog.tsx";

type Asked = "pause" | "resume" | "seek" | "replay" | "rotate" | "delete";

interface SessionActionsProps {
  readonly session: Session;
  refresh(): void;
}

/** What a manager may do with a session. Each says what will happen before it does. */
export function SessionActions({ session, refresh }: SessionActionsProps) {
  const [asked, setAsked] = useState<Asked>();
  const [secret, setSecret] = useState<string>();
  const isStopped = session.state === "paused" || session.state === "suspended";
  const isMovable = session.next !== null;
  const close = () => setAsked(undefined);
  const change = async (changed: Parameters<typeof relay.changeSession>[1]) => {
    const answer = await relay.changeSession(session.id, changed);
    if (answer.secret !== undefined) setSecret(answer.secret);
    refresh();
  };
  return (
    <div class="actions">
      {session.kind === "webhook" && <TestButton id={session.id} />}
      {isStopped || session.state === "backoff" ? (
        <button type="button" onClick={() => setAsked("resume")}>
          {isStopped ? "Resume" : "Try now"}
        </button>
      ) : null}
      {!isStopped && (
        <button type="button" onClick={() => setAsked("pause")}>
          Pause
        </button>
      )}
      {isMovable && (
        <>
          <button type="button" onClick={() => setAsked("seek")}>
            Seek
          </button>
          <button type="button" onClick={() => setAsked("replay")}>
            Replay
          </button>
        </>
      )}
      <button type="button" onClick={() => setAsked("rotate")}>
        Rotate secret
      </button>
      <button type="button" class="danger" onClick={() => setAsked("delete")}>
        Delete
      </button>
      {asked === "pause" && (
        <Confirm title="Pause" action="Pause" run={() => change({ state: "paused" })} onClose={close}>
          <p>
            {session.kind === "ami"
              ? "The user cannot log in, and its connections are closed."
              : "Nothing more is sent. Messages wait, and hold the queue, until the session is resumed."}
          </p>
        </Confirm>
      )}
      {asked === "resume" && (
        <Confirm title="Resume" action="Resume" run={() => change({ state: "active" })} onClose={close}>
          <p>
            {session.next === null
              ? "The user can log in again."
              : `It goes on at ${count(session.next)}: ${counted(session.lagMessages ?? 0, "message")} wait.`}
          </p>
        </Confirm>
      )}
      {(asked === "seek" || asked === "replay") && (
        <SeekDialog
          session={session}
          isReplay={asked === "replay"}
          seek={(next) => change({ next })}
          onClose={close}
        />
      )}
      {asked === "rotate" && (
        <Confirm
          title="Rotate the secret"
          action="Rotate"
          run={() => change({ rotateSecret: true })}
          onClose={close}
        >
          <p>
            A new secret is made and shown once.{" "}
            {session.kind === "ami"
              ? "For a day, the old one can log in, too."
              : "For a day, both sign every request."}
          </p>
        </Confirm>
      )}
      {asked === "delete" && (
        <Confirm
          title="Delete the session"
          action="Delete"
          isDangerous
          run={async () => {
            await relay.deleteSession(session.id);
            location.assign("/console/sessions");
          }}
          onClose={close}
        >
          <p>
            <strong>{nameOf(session)}</strong> ends. Messages that only it held can be freed, and it cannot be
            brought back.
          </p>
        </Confirm>
      )}
      {secret !== undefined && (
        <Dialog title="The new secret" onClose={() => setSecret(undefined)}>
          <div class="stack">
            <Secret label="Secret" text={secret} />
            <div class="buttons">
              <button type="button" class="primary" onClick={() => setSecret(undefined)}>
                I have it
              </button>
            </div>
          </div>
        </Dialog>
      )}
    </div>
  );
}

/** Sends a test message and shows what the endpoint answered. */
export function TestButton({ id }: { id: string }) {
  const [isRunning, setRunning] = useState(false);
  const [answer, setAnswer] = useState<Attempt>();
  const [problem, setProblem] = useState<string>();
  const test = async () => {
    setRunning(true);
    setProblem(undefined);
    setAnswer(undefined);
    try {
      setAnswer(await relay.testSession(id));
    } catch (error) {
      setProblem(explain(error));
    }
    setRunning(false);
  };
  return (
    <span class="test">
      <button type="button" disabled={isRunning} onClick={test}>
        {isRunning ? "Sending …" : "Send a test"}
      </button>
      <span role="status">
        {answer && (
          <>
            <Outcome attempt={answer} />{" "}
            <span class="muted">{answer.detail ?? `in ${seconds(answer.durationMillis / 1000)}`}</span>
          </>
        )}
        {problem !== undefined && <span class="bad-text">{problem}</span>}
      </span>
    </span>
  );
}
