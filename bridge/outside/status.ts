/** What one PBX's part of the bridge looks like from outside. */
export interface PbxStatus {
  readonly feed: string;
  readonly link: "up" | "down" | "taken-over";
  /** Why the link is not up, in the words of the PBX's configuration. */
  readonly linkTrouble: string | undefined;
  /** The links of Manager beside ARI; undefined without one. */
  readonly restLink: "up" | "down" | undefined;
  readonly restTrouble: string | undefined;
  /** Why events cannot be stored. */
  readonly spoolTrouble: string | undefined;
  /** Why events cannot be shipped. */
  readonly relayTrouble: string | undefined;
  readonly counts: PbxCounts;
  readonly spool: {
    /** Waiting, in memory and in the spool. */
    readonly records: number;
    readonly bytes: number;
    readonly oldestReceivedAtEpochMillis: number | undefined;
  };
}

export interface PbxCounts {
  /** Events that the PBX handed over. */
  readonly received: number;
  /** Records that are on the disk, the bridge's own included. */
  readonly spooled: number;
  readonly shipped: number;
  readonly refused: number;
  /** Removed by the spool's limits. */
  readonly dropped: number;
  /** Times that the link came up again. */
  readonly reconnects: number;
  /** Gap records by reason. */
  readonly gaps: Readonly<Record<string, number>>;
}

/** Whether a PBX's events reach the relay now. */
export function isReady({ link, restLink, spoolTrouble, relayTrouble }: PbxStatus): boolean {
  return link === "up" && restLink !== "down" && spoolTrouble === undefined && relayTrouble === undefined;
}

/** Everything that keeps a PBX from being ready. */
export function troublesOf(status: PbxStatus): string[] {
  const { link, linkTrouble, restLink, restTrouble, spoolTrouble, relayTrouble } = status;
  return [
    ...(link === "taken-over" ? ["another client has taken the ARI application"] : []),
    ...(link === "down" ? [linkTrouble ?? "not connected yet"] : []),
    ...(restLink === "down" ? [restTrouble ?? "Manager is not connected yet"] : []),
    ...(spoolTrouble === undefined ? [] : [spoolTrouble]),
    ...(relayTrouble === undefined ? [] : [relayTrouble]),
  ];
}
