/** What a check found about one thing that the bridge needs: the relay, a PBX, a spool. */
export interface Finding {
  readonly subject: string;
  /** `warning`: the bridge works, and something may be lost or is not as it should be. */
  readonly verdict: "ok" | "warning" | "wrong";
  /** What is wrong and where to look, or what was seen. */
  readonly detail: string;
  /** For `doctor`. */
  readonly facts: readonly Fact[];
}

export type Fact = readonly [name: string, value: string, advice?: string];
