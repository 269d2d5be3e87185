import { useState } from "preact/hooks";
import type { Explanation, Session } from "../../../client/index.ts";
import { explain, relay } from "../relay.ts";

/** Why a message did or did not reach the session. */
export function Explain({ session }: { session: Session }) {
  const [sequence, setSequence] = useState("");
  const [found, setFound] = useState<Explanation>();
  const [problem, setProblem] = useState<string>();
  const ask = async (event: Event) => {
    event.preventDefault();
    setProblem(undefined);
    setFound(undefined);
    try {
      setFound(await relay.explain(session.id, Number(sequence)));
    } catch (error) {
      setProblem(explain(error));
    }
  };
  return (
    <section class="card stack" aria-labelledby="explain">
      <h2 id="explain">What became of a message?</h2>
      <form class="inline" onSubmit={ask}>
        <label class="field">
          <span>Number of the message</span>
          <input
            type="number"
            min="1"
            step="1"
            required
            value={sequence}
            placeholder={String(session.next ?? 1)}
            onInput={(event) => setSequence(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Explain</button>
      </form>
      <div role="status">
        {found && (
          <div class={`notice ${found.outcome === "delivered" ? "good" : ""}`}>
            <p>
              <strong>{found.outcome}</strong>
              {found.because !== undefined && ` (${found.because})`}: {found.explanation}
              {found.filter?.line !== undefined && (
                <>
                  {" "}
                  <code>{found.filter.line}</code>
                </>
              )}
              {found.message && (
                <span class="muted">
                  {" "}
                  {[found.message.type, found.message.amiEvent]
                    .filter((each) => each !== undefined)
                    .join(" / ")}
                </span>
              )}
            </p>
          </div>
        )}
      </div>
      {problem !== undefined && (
        <p class="notice bad" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}
