import type { LinkLoss, PbxIdentity, SourceEvent, SourceListener } from "../../../bridge/source.ts";
import { eventually } from "../eventually.ts";

export type Happening =
  | { readonly kind: "up"; readonly pbx: PbxIdentity }
  | { readonly kind: "event"; readonly event: SourceEvent }
  | { readonly kind: "down"; readonly loss: LinkLoss }
  | { readonly kind: "failed"; readonly loss: LinkLoss; readonly retryMillis: number }
  | { readonly kind: "taken" };

/** Notes what a source reports, in order. */
export class Witness implements SourceListener {
  readonly happenings: Happening[] = [];
  /** Called with every event, before it is noted. */
  onEvent: (event: SourceEvent) => void = () => undefined;

  linkUp(pbx: PbxIdentity): void {
    this.happenings.push({ kind: "up", pbx });
  }
  event(event: SourceEvent): void {
    this.onEvent(event);
    this.happenings.push({ kind: "event", event });
  }
  linkDown(loss: LinkLoss): void {
    this.happenings.push({ kind: "down", loss });
  }
  connectFailed(loss: LinkLoss, retryMillis: number): void {
    this.happenings.push({ kind: "failed", loss, retryMillis });
  }
  takenOver(): void {
    this.happenings.push({ kind: "taken" });
  }

  /** The kinds of what happened, without events. */
  get course(): string[] {
    return this.happenings.filter(({ kind }) => kind !== "event").map(({ kind }) => kind);
  }

  get events(): SourceEvent[] {
    return this.happenings.flatMap((each) => (each.kind === "event" ? [each.event] : []));
  }

  get texts(): string[] {
    return this.events.map(({ body }) => body.toString());
  }

  get losses(): LinkLoss[] {
    return this.happenings.flatMap((each) =>
      each.kind === "down" || each.kind === "failed" ? [each.loss] : [],
    );
  }

  get identities(): PbxIdentity[] {
    return this.happenings.flatMap((each) => (each.kind === "up" ? [each.pbx] : []));
  }

  /** Waits until something has happened `count` times. */
  async waitFor(kind: Happening["kind"], count = 1): Promise<void> {
    await eventually(
      `${count} times "${kind}"`,
      () => this.happenings.filter((each) => each.kind === kind).length >= count,
    );
  }
}
