import * as z from "zod";
import type { LinkLoss, PbxIdentity, PbxState, SourceEvent } from "../source.ts";
import type { SpoolRecord } from "../spool.ts";
import { factsOf } from "./eventFacts.ts";
import {
  cameEarly,
  firstStart,
  heard,
  isUnused,
  type LinkMemory,
  linkUp,
  lost,
  takenOver,
  UNKNOWN_LINK,
} from "./link.ts";
import { Lookout } from "./lookout.ts";
import type { MemoryChanges } from "./memory.ts";
import { Picture } from "./picture.ts";
import { type Drift, driftBetween, reconcile } from "./reconcile.ts";
import {
  type Gap,
  gapRecord,
  inferredEnds,
  type Snapshot,
  type SnapshotReason,
  snapshotRecords,
} from "./records.ts";

/**
 * A link to the PBX: `main` carries the calls and gives the picture; `rest` is Manager beside an ARI link, which carries
 * only what ARI has not.
 */
export type LinkName = "main" | "rest";

/** What must be appended, and what must be remembered in the transaction of the last of the records. */
export interface Entry {
  readonly records: readonly SpoolRecord[];
  readonly changes: MemoryChanges;
}

/**
 * The truth about loss in one feed: what is known of the PBX and of the links to it, and the records that follow when
 * something happens. No clock, no randomness, no connection: those who call pass times and new ids.
 */
export class Truth {
  readonly #picture: Picture;
  readonly #links = new Map<LinkName, LinkMemory>();
  readonly #lookouts = new Set<Lookout>();

  /** @param memory what the spool remembers */
  constructor(memory: ReadonlyMap<string, string> = new Map()) {
    this.#picture = new Picture(memory);
    for (const name of ["main", "rest"] as const) this.#links.set(name, readLink(memory.get(linkKey(name))));
  }

  get known(): Pick<Picture, "channels" | "bridges"> {
    return this.#picture;
  }

  link(name: LinkName): LinkMemory {
    return this.#links.get(name) ?? UNKNOWN_LINK;
  }

  /** What the spool must have before a link is used for the first time: see `firstStart`. */
  beforeFirstUse(names: readonly LinkName[], atEpochMillis: number): MemoryChanges {
    const unused = names.filter((name) => isUnused(this.link(name)));
    return new Map(unused.map((name) => [linkKey(name), JSON.stringify(firstStart(atEpochMillis))]));
  }

  /** Takes `beforeFirstUse` back, where the link never came up: then no event can be missing. */
  afterNoUse(names: readonly LinkName[]): MemoryChanges {
    return new Map(names.filter((name) => isUnused(this.link(name))).map((name) => [linkKey(name), null]));
  }

  /** An event came over a link. */
  event(name: LinkName, event: SourceEvent): MemoryChanges {
    const link = this.#setLink(name, heard(this.link(name), event.receivedAtEpochMillis));
    if (name === "rest") return link;
    const facts = factsOf(event);
    for (const lookout of this.#lookouts) lookout.apply(facts);
    return new Map([...this.#picture.apply(facts), ...link]);
  }

  /** An event comes before its link is up: the gap that must stand before it, if there is one. */
  early(name: LinkName, atEpochMillis: number, newId: string): (Entry & { readonly gap: Gap }) | undefined {
    const came = cameEarly(this.link(name), atEpochMillis, newId, linkFacts(name));
    if (came === undefined) return undefined;
    const { memory, gap } = came;
    return { records: [gapRecord(gap, atEpochMillis)], changes: this.#setLink(name, memory), gap };
  }

  linkDown(name: LinkName, loss: Pick<LinkLoss, "code">, atEpochMillis: number): MemoryChanges {
    return this.#setLink(name, lost(this.link(name), loss, atEpochMillis));
  }

  takenOver(name: LinkName, atEpochMillis: number): MemoryChanges {
    return this.#setLink(name, takenOver(this.link(name), atEpochMillis));
  }

  /** The link works again: the record of the gap, if there was one, and why a snapshot is due. */
  linkUp(
    name: LinkName,
    pbx: PbxIdentity,
    atEpochMillis: number,
    newId: string,
    more: Gap["facts"] = {},
  ): Entry & { readonly gap: Gap | undefined; readonly snapshotReason: SnapshotReason } {
    const facts: Gap["facts"] = { ...linkFacts(name), ...more };
    const { memory, gap, snapshotReason } = linkUp(this.link(name), pbx, atEpochMillis, newId, facts);
    const records = gap === undefined ? [] : [gapRecord(gap, atEpochMillis)];
    return { records, changes: this.#setLink(name, memory), gap, snapshotReason };
  }

  /** Begins to watch what events say while the PBX is asked. `end` it, whatever comes of the question. */
  look(): Lookout {
    const lookout = new Lookout();
    this.#lookouts.add(lookout);
    return lookout;
  }

  end(lookout: Lookout): void {
    this.#lookouts.delete(lookout);
  }

  /** The ends that nobody saw, then the snapshot. From now on the picture is what the snapshot says. */
  snapshot(
    state: PbxState,
    lookout: Lookout,
    due: { readonly reason: SnapshotReason; readonly gap: string | undefined },
    atEpochMillis: number,
    newId: string,
  ): Entry[] {
    const now = reconcile(this.#picture, state, lookout);
    // Without a gap there is nothing known that could have ended unseen.
    const ended = { channels: now.endedChannels, bridges: now.endedBridges };
    const ends = inferredEnds(ended, due.gap ?? newId, atEpochMillis).map((record) => ({
      records: [record],
      changes: this.#picture.apply(factsOf(record)),
    }));
    const snapshot: Snapshot = {
      id: newId,
      ...due,
      pbx: state.pbx,
      channels: [...now.channels.values()],
      bridges: [...now.bridges.values()],
      endpoints: now.endpoints,
      deviceStates: now.deviceStates,
    };
    const changes = this.#picture.replace(now.channels, now.bridges);
    return [...ends, { records: snapshotRecords(snapshot, atEpochMillis), changes }];
  }

  drift(state: PbxState, lookout: Lookout): Drift {
    return driftBetween(this.#picture, state, lookout);
  }

  /** The PBX's state is as the events say: up to `atEpochMillis` nothing is missing. */
  isRight(atEpochMillis: number): MemoryChanges {
    return this.#setLink("main", heard(this.link("main"), atEpochMillis));
  }

  /** The record of a drift. It began somewhere after the state was right last. */
  driftGap(
    drift: Drift,
    rightAtEpochMillis: number,
    atEpochMillis: number,
    newId: string,
  ): Entry & { gap: Gap } {
    const epoch = this.link("main").startedAtEpochMillis;
    const gap: Gap = {
      id: newId,
      reason: "drift",
      fromEpochMillis: Math.min(rightAtEpochMillis, atEpochMillis),
      toEpochMillis: atEpochMillis,
      epochBeforeEpochMillis: epoch,
      epochAfterEpochMillis: epoch,
      facts: {
        missing: drift.missing.length,
        ended: drift.ended.length,
        changed: drift.changed.length,
        example: [...drift.missing, ...drift.ended, ...drift.changed][0] ?? "",
      },
    };
    return { records: [gapRecord(gap, atEpochMillis)], changes: new Map(), gap };
  }

  #setLink(name: LinkName, memory: LinkMemory): MemoryChanges {
    this.#links.set(name, memory);
    return new Map([[linkKey(name), JSON.stringify(memory)]]);
  }
}

/** Says in a gap that only Manager's link beside ARI was lost. */
function linkFacts(name: LinkName): Gap["facts"] {
  return name === "rest" ? { link: "ami" } : {};
}

function linkKey(name: LinkName): string {
  return `link:${name}`;
}

const linkSchema = z.object({
  startedAtEpochMillis: z.number().optional(),
  heardAtEpochMillis: z.number().optional(),
  open: z
    .object({
      reason: z.enum(["link", "takeover", "reader-too-slow"]),
      code: z.string(),
      fromEpochMillis: z.number(),
    })
    .optional(),
});

function readLink(text: string | undefined): LinkMemory {
  if (text === undefined) return UNKNOWN_LINK;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return UNKNOWN_LINK;
  }
  const { startedAtEpochMillis, heardAtEpochMillis, open } = linkSchema.safeParse(value).data ?? {};
  return { startedAtEpochMillis, heardAtEpochMillis, open };
}
