import type { LinkLoss, PbxIdentity, PbxState, SourceEvent } from "../source.ts";

/** One connection to a PBX, from the first attempt until the loss. */
export interface Link {
  /** @throws SourceError when the link is down or the PBX refuses */
  state(signal: AbortSignal): Promise<PbxState>;
  /** Says goodbye. What the PBX sent before is still handed over. Resolves when the socket is closed. */
  leave(): Promise<void>;
  /** Destroys the socket at once. Nothing is handed over or reported afterwards. */
  destroy(): void;
}

/** What a link reports. None of these may be called before the function that opened the link has returned. */
export interface LinkEvents {
  up(pbx: PbxIdentity): void;
  event(format: SourceEvent["format"], body: Buffer): void;
  /** The link is over, whether it was up before or not. The socket is destroyed. */
  lost(loss: LinkLoss): void;
  takenOver(): void;
}

export type OpenLink = (events: LinkEvents) => Link;
