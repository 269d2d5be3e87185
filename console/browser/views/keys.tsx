import { useState } from "preact/hooks";
import type { CreatedKey, Key, NewKey, Role } from "../../../client/index.ts";
import { count, fullTime, relative } from "../format.ts";
import { Secret } from "../parts/copy.tsx";
import { Confirm } from "../parts/dialog.tsx";
import { Empty, Stale, Waiting } from "../parts/notices.tsx";
import { useNow, usePoll } from "../poll.ts";
import { explain, relay } from "../relay.ts";

const EVERY_MILLIS = 10_000;
const MOST_KEYS = 2_000;

const ROLES: Readonly<Record<Role, string>> = {
  reader: "reads feeds, messages and sessions",
  producer: "appends events",
  manager: "does everything",
};

export function Keys() {
  const polled = usePoll(async () => {
    const keys: Key[] = [];
    for await (const key of relay.listKeys()) {
      keys.push(key);
      if (keys.length >= MOST_KEYS) break;
    }
    return keys;
  }, EVERY_MILLIS);
  const now = useNow();
  const [created, setCreated] = useState<CreatedKey>();
  const [revoking, setRevoking] = useState<Key>();
  const keys = polled.data;
  return (
    <>
      <div class="title">
        <h1>Keys</h1>
        <p class="muted">One for each program, so that each can be revoked alone</p>
      </div>
      {created && (
        <div class="notice good">
          <Secret label={`The key “${created.name}”`} text={created.key} />
          <button type="button" onClick={() => setCreated(undefined)}>
            I have it
          </button>
        </div>
      )}
      <NewKeyForm
        onCreated={(key) => {
          setCreated(key);
          polled.refresh();
        }}
      />
      <Stale polled={polled} />
      {keys === undefined ? (
        <Waiting polled={polled} what="keys" />
      ) : keys.length === 0 ? (
        <Empty title="No keys yet">
          <p>Everything is done with the management key so far.</p>
        </Empty>
      ) : (
        <div class="table-frame">
          <table class="responsive">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Role</th>
                <th scope="col">Feeds</th>
                <th scope="col" class="number">
                  Requests/s
                </th>
                <th scope="col">Last used</th>
                <th scope="col">Created</th>
                <th scope="col">
                  <span class="visually-hidden">Revoke</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {keys.map((key) => (
                <tr key={key.id}>
                  <th scope="row">{key.name}</th>
                  <td data-label="Role">{key.role}</td>
                  <td data-label="Feeds">{key.feeds.join(", ")}</td>
                  <td class="number" data-label="Requests/s">
                    {count(key.requestsPerSecond)}
                  </td>
                  <td data-label="Last used">
                    {key.lastUsed === null ? (
                      <span class="muted">never</span>
                    ) : (
                      <span title={fullTime(key.lastUsed)}>{relative(key.lastUsed, now)}</span>
                    )}
                  </td>
                  <td data-label="Created">
                    <span title={fullTime(key.createdAt)}>{relative(key.createdAt, now)}</span>
                  </td>
                  <td class="number full">
                    <button
                      type="button"
                      class="danger"
                      onClick={() => setRevoking(key)}
                      aria-label={`Revoke ${key.name}`}
                    >
                      Revoke
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {revoking && (
        <Confirm
          title={`Revoke “${revoking.name}”`}
          action="Revoke"
          isDangerous
          run={async () => {
            await relay.deleteKey(revoking.id);
            polled.refresh();
          }}
          onClose={() => setRevoking(undefined)}
        >
          <p>Within 30 seconds it stops working everywhere. It cannot be brought back.</p>
        </Confirm>
      )}
    </>
  );
}

function NewKeyForm({ onCreated }: { onCreated(key: CreatedKey): void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("reader");
  const [feeds, setFeeds] = useState("*");
  const [problem, setProblem] = useState<string>();
  const create = async (event: Event) => {
    event.preventDefault();
    setProblem(undefined);
    try {
      const key = await relay.createKey(newKey(name, role, feeds));
      setName("");
      onCreated(key);
    } catch (error) {
      setProblem(explain(error));
    }
  };
  return (
    <form class="card stack" onSubmit={create} aria-labelledby="new-key">
      <h2 id="new-key">Make a key</h2>
      <div class="fields">
        <label class="field">
          <span>Name</span>
          <input
            required
            maxLength={100}
            placeholder="bridge of pbx-1"
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>Role</span>
          <select
            value={role}
            onChange={(event) => {
              const value = event.currentTarget.value;
              if (isRole(value)) setRole(value);
            }}
          >
            {Object.entries(ROLES).map(([each, does]) => (
              <option key={each} value={each}>
                {each}: {does}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>Feeds</span>
          <input
            required
            value={feeds}
            onInput={(event) => setFeeds(event.currentTarget.value)}
            aria-describedby="feeds-hint"
          />
          <span class="hint" id="feeds-hint">
            with blanks between; * stands for any characters
          </span>
        </label>
        <button type="submit" class="primary">
          Make the key
        </button>
      </div>
      {problem !== undefined && (
        <p class="notice bad" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}

function newKey(name: string, role: Role, feeds: string): NewKey {
  const patterns = feeds.split(/[\s,]+/).filter((each) => each !== "");
  return role === "manager" ? { name, role, feeds: patterns } : { name, role, feeds: patterns };
}

function isRole(text: string): text is Role {
  return text in ROLES;
}
