/**
 * A source: how the events of one PBX reach the bridge. ARI, outbound ARI and AMI implement it. A source reads its
 * socket without ever waiting for the disk or the relay: it hands over each event synchronously and reads on.
 */
export interface Source {
  /** Connects, and reconnects after each loss until `stop`. Troubles go to the listener; nothing is thrown. */
  start(listener: SourceListener): void;
  /** Cuts the link at once and reconnects. The bridge calls it when its memory for unspooled events is full. */
  cut(reason: "reader-too-slow"): void;
  /** Asks the PBX what it has now. Rejects with a `SourceError` when the link is down or the PBX refuses. */
  state(signal: AbortSignal): Promise<PbxState>;
  /** Leaves the PBX. Events that the socket delivered before are handed over first. */
  stop(): Promise<void>;
}

/** Called in the order in which things happened on the socket. No call may wait, and none may throw. */
export interface SourceListener {
  /** The link works: logged in, subscribed, and the PBX has said who it is. */
  linkUp(pbx: PbxIdentity): void;
  /**
   * One event as the PBX sent it, on one line or in one block. The bytes are not changed otherwise, and not looked into
   * beyond what the framing needs. Events follow `linkUp`, with two exceptions: a backlog that is larger than a source
   * may hold comes before it, and an old connection's last events can come after the `linkUp` of a new one.
   */
  event(event: SourceEvent): void;
  /** The link is lost; the source reconnects by itself. Called once per `linkUp`. */
  linkDown(loss: LinkLoss): void;
  /** A connection attempt failed. The next one follows after `retryMillis`. */
  connectFailed(failure: LinkLoss, retryMillis: number): void;
  /** Another client took the ARI application. The source has stopped, after `linkDown`: it does not fight. */
  takenOver(): void;
}

export interface SourceEvent {
  /** `stasis`: the JSON text of one ARI event, without line breaks. `ami`: one AMI block, with its line ends. */
  readonly format: "stasis" | "ami";
  readonly body: Buffer;
  readonly receivedAtEpochMillis: number;
}

/** Why a link was lost or could not be made. `code` is for decisions and metrics, `message` for people. */
export interface LinkLoss {
  readonly code:
    | "refused"
    | "unreachable"
    | "timeout"
    | "tls"
    | "credentials"
    | "forbidden"
    | "protocol"
    | "too-large"
    | "closed"
    | "reader-too-slow"
    | "stopped";
  /** In the words of the PBX's configuration: which file and line to look at. */
  readonly message: string;
}

/** What a PBX says of itself. Its start time is the epoch: another start time means that it restarted. */
export interface PbxIdentity {
  readonly startedAtEpochMillis: number;
  readonly version: string | undefined;
  readonly systemName: string | undefined;
  readonly entityId: string | undefined;
}

/** A PBX's state at one time, in ARI's shapes whatever the source is. An AMI source fills what Manager tells. */
export interface PbxState {
  readonly pbx: PbxIdentity;
  readonly takenAtEpochMillis: number;
  readonly channels: readonly PbxObject[];
  readonly bridges: readonly PbxObject[];
  readonly endpoints: readonly PbxObject[];
  readonly deviceStates: readonly PbxObject[];
}

/** An ARI object: a channel has an `id`, a bridge an `id`, an endpoint `technology` and `resource`, a device state `name`. */
export type PbxObject = Readonly<Record<string, unknown>>;
