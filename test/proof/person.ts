import { randomBytes } from "node:crypto";
import { InTurn } from "../../functions/api/inTurn.ts";
import type { ApiParts } from "../../functions/api/parts.ts";
import { newSession } from "../../functions/api/schemas/newSessions.ts";
import { changeSession, createSession, deleteSession } from "../../functions/api/sessions.ts";
import { MANAGEMENT } from "../../shared/access/caller.ts";
import { newKeyText } from "../../shared/access/keyText.ts";
import { openAttempts } from "../../shared/aws/attempts.ts";
import { openKeys } from "../../shared/aws/openKeys.ts";
import { openSessions } from "../../shared/aws/openSessions.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import { PageReader } from "../../shared/queue/pageReader.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import type { Settings } from "../../shared/runtime/settings.ts";
import { createAddressGuard } from "../../shared/webhook/addressGuard.ts";
import type { Engine } from "./engine.ts";
import type { Wish } from "./wish.ts";

/** A person who uses the API. Session ids are the same in every run. */
export class Person {
  readonly #feed: string;
  readonly #parts: ApiParts;
  readonly #sessions: string[] = [];
  #created = 0;
  #groups = 0;

  /** @param prefix of the ids of sessions and groups */
  constructor(
    { clients, environment }: Engine,
    feed: string,
    settings: Settings,
    clock: Clock,
    prefix = "s",
  ) {
    const stores = openSessions(environment, clients, clock);
    this.#feed = feed;
    this.#parts = {
      ...stores,
      pages: new PageReader(stores.pages, 0),
      pageTimes: stores.pages,
      keys: openKeys(environment, clients),
      attempts: openAttempts(environment, clients, clock),
      guard: createAddressGuard(["127.0.0.0/8"]),
      clock,
      random: () => 0.5,
      groupChanges: new InTurn(),
      newSessionId: () => `${prefix}${this.#created++}`,
      newGroupId: () => `${feed}-${prefix}-g${this.#groups++}`,
      newTestId: () => "tst_1",
      newKeyText: () => newKeyText(randomBytes),
      newSecret: () => "whsec_c2VjcmV0",
      newSalt: () => "salt",
      sealSecret: async (_session, secret) => secret,
      log: silentLog,
      stopping: new AbortController().signal,
      settings: { ...settings, allowHttp: true },
    };
  }

  async createSession(from: "head" | "tail"): Promise<void> {
    const { id } = await createSession(
      this.#parts,
      newSession.parse({ feed: this.#feed, url: "http://127.0.0.1/", from, maxBatch: 4 }),
      MANAGEMENT,
    );
    this.#sessions.push(id);
  }

  /** Carries out one wish at a time. Retries wishes that fail because of AWS, as a person would. */
  async fulfil(wishes: readonly Wish[]): Promise<void> {
    for (const wish of wishes) await this.#insist(() => this.#fulfil(wish));
  }

  async #insist(act: () => Promise<void>): Promise<void> {
    for (let tries = 1; ; tries += 1)
      try {
        return await act();
      } catch (error) {
        // An earlier try deleted the session, and its response was lost.
        if (tries > 1 && error instanceof HttpProblem && error.problem.status === 404) return;
        if (tries === 5) throw error;
      }
  }

  async #fulfil(wish: Wish): Promise<void> {
    if ("create" in wish) await this.createSession(wish.create);
    else if ("delete" in wish) await deleteSession(this.#parts, this.#idOf(wish.delete), MANAGEMENT);
    else await changeSession(this.#parts, this.#idOf(wish.change), wish.to, MANAGEMENT);
  }

  #idOf(number: number): string {
    const id = this.#sessions[number];
    if (id === undefined) throw new Error(`there is no session ${number}`);
    return id;
  }
}
