import type { MainSource } from "../config/resolve.ts";
import type { LinkLoss, PbxIdentity, PbxState, Source } from "../source.ts";
import { type AmiOptions, amiSource } from "../sources/ami/amiSource.ts";
import { ariSource } from "../sources/ari/ariSource.ts";
import { OutboundListener, type OutboundListenerOptions } from "../sources/outbound/outboundListener.ts";
import { SourceError } from "../sources/sourceError.ts";
import { askAsterisk } from "./ariFacts.ts";
import type { Fact, Finding } from "./finding.ts";

const CONNECT_WITHIN_MILLIS = 15_000;

/**
 * Connects to a PBX once, asks what the bridge would ask, and leaves. It uses an ARI application of its own, so it takes
 * nothing from a bridge that runs.
 */
export async function checkPbx(
  feed: string,
  main: MainSource,
  listen: OutboundListenerOptions | undefined,
  dialInWithinMillis: number,
): Promise<Finding> {
  const subject = `PBX of the feed ${feed}`;
  if (main.kind === "ami") return checkManager(subject, main.ami);
  if (main.kind === "outbound") return checkOutbound(subject, main, listen, dialInWithinMillis);
  const ari = { ...main.ari, app: `${main.ari.app.slice(0, 58)}-check` };
  const { disallowedTypes: _, ...withoutFilter } = ari;
  const found = await connectOnce(subject, ariSource(withoutFilter), CONNECT_WITHIN_MILLIS);
  if (found.state === undefined) return found.finding;
  const told = await askAsterisk(ari, found.state);
  return withFacts(found.finding, told);
}

/** Manager, alone or beside ARI. */
export async function checkManager(subject: string, ami: AmiOptions): Promise<Finding> {
  return (await connectOnce(subject, amiSource(ami), CONNECT_WITHIN_MILLIS)).finding;
}

async function checkOutbound(
  subject: string,
  main: Extract<MainSource, { kind: "outbound" }>,
  listen: OutboundListenerOptions | undefined,
  dialInWithinMillis: number,
): Promise<Finding> {
  if (listen === undefined) return { subject, verdict: "wrong", detail: "needs listen", facts: [] };
  const listener = new OutboundListener(listen);
  try {
    await listener.listen();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const detail =
      code === "EADDRINUSE"
        ? `port ${listen.port} is in use, by a bridge that runs, if all is well: its /ready says whether the PBX is there`
        : `cannot listen at ${listen.host}:${listen.port} (listen.address): ${code}`;
    return { subject, verdict: code === "EADDRINUSE" ? "warning" : "wrong", detail, facts: [] };
  }
  try {
    const source = listener.source(main.access, main.app);
    return (await connectOnce(subject, source, dialInWithinMillis)).finding;
  } finally {
    await listener.close();
  }
}

interface Found {
  readonly finding: Finding;
  readonly state: PbxState | undefined;
}

async function connectOnce(subject: string, source: Source, withinMillis: number): Promise<Found> {
  const startedAt = performance.now();
  try {
    const pbx = await firstLink(source, withinMillis);
    const askedAt = performance.now();
    const state = await source.state(AbortSignal.timeout(withinMillis));
    const facts = factsOf(pbx, state, askedAt - startedAt, performance.now() - askedAt);
    const detail = `Asterisk ${pbx.version ?? "of unknown version"}, ${state.channels.length} channels, ${state.endpoints.length} endpoints`;
    return { finding: { subject, verdict: "ok", detail, facts }, state };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { finding: { subject, verdict: "wrong", detail, facts: [] }, state: undefined };
  } finally {
    await source.stop();
  }
}

function firstLink(source: Source, withinMillis: number): Promise<PbxIdentity> {
  const { promise, resolve, reject } = Promise.withResolvers<PbxIdentity>();
  const fail = (loss: LinkLoss) => reject(new SourceError(loss));
  const timer = setTimeout(
    () =>
      fail({
        code: "timeout",
        message: `no PBX connected within ${withinMillis / 1000} s (websocket_client.conf: uri, username, password; ari.conf: type=outbound_websocket, websocket_client_id, apps, subscribe_all=yes)`,
      }),
    withinMillis,
  );
  source.start({
    linkUp: resolve,
    event: () => {},
    linkDown: fail,
    connectFailed: fail,
    takenOver: () => fail({ code: "closed", message: "another client took the application" }),
  });
  return promise.finally(() => clearTimeout(timer));
}

function factsOf(pbx: PbxIdentity, state: PbxState, connectMillis: number, stateMillis: number): Fact[] {
  return [
    ["Asterisk", pbx.version ?? "not told"],
    ["started", new Date(pbx.startedAtEpochMillis).toISOString()],
    ["system name", pbx.systemName ?? NO_SYSTEM_NAME],
    ["entity id", pbx.entityId ?? "not told"],
    ["connecting took", `${Math.round(connectMillis)} ms`],
    ["asking for its state took", `${Math.round(stateMillis)} ms`],
    ["channels, bridges", `${state.channels.length}, ${state.bridges.length}`],
    ["endpoints, device states", `${state.endpoints.length}, ${state.deviceStates.length}`],
  ];
}

const NO_SYSTEM_NAME =
  "none; with several PBXs set autosystemname=yes in asterisk.conf, so that ids are unique";

function withFacts(finding: Finding, facts: readonly Fact[]): Finding {
  const advised = facts.filter(([, , advice]) => advice !== undefined);
  return {
    ...finding,
    verdict: advised.length > 0 ? "warning" : finding.verdict,
    detail: [finding.detail, ...advised.map(([, , advice]) => advice)].join("; "),
    facts: [...finding.facts, ...facts],
  };
}
