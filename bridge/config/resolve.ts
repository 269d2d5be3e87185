import { ConfigError, type Mistake } from "../bridgeError.ts";
import type { AmiOptions } from "../sources/ami/amiSource.ts";
import type { AriOptions } from "../sources/ari/ariSource.ts";
import type { OutboundListenerOptions } from "../sources/outbound/outboundListener.ts";
import type { PbxAccess } from "../sources/outbound/pbxAccess.ts";
import type { SpoolLimits } from "../spool/spoolLimits.ts";
import type { Config, PbxConfig, SecretPlace } from "./schema.ts";
import { type Environment, readSecret, textOfFile } from "./secrets.ts";

/** A certificate chain. */
const MAX_CERTIFICATE_BYTES = 256 * 1024;

/** The configuration with its secrets and certificates read. It must never be printed. */
export interface Resolved {
  readonly relay: { readonly url: string; readonly key: string };
  readonly spool: { readonly directory: string; readonly limits: SpoolLimits };
  readonly outside: { readonly host: string; readonly port: number };
  readonly listen: OutboundListenerOptions | undefined;
  readonly pbxs: readonly ResolvedPbx[];
}

export interface ResolvedPbx {
  readonly feed: string;
  readonly main: MainSource;
  /** Manager beside ARI. */
  readonly rest: AmiOptions | undefined;
}

export type MainSource =
  | { readonly kind: "ari"; readonly ari: AriOptions }
  | { readonly kind: "outbound"; readonly access: PbxAccess; readonly app: string | undefined }
  | { readonly kind: "ami"; readonly ami: AmiOptions };

/** @throws ConfigError that names every secret and file that is missing */
export function resolve(config: Config, environment: Environment): Resolved {
  const files = new Files(environment);
  const { relay, spool, outside, listen } = config;
  const tls = listen?.tls;
  const resolved: Resolved = {
    relay: { url: relay.url, key: files.secret(relay.key, "relay.key") },
    spool: {
      directory: spool.directory,
      limits: { maxBytes: spool.maxBytes, maxAgeMillis: spool.maxAge, policy: spool.whenFull },
    },
    outside: outside.listen,
    listen: listen && {
      ...listen.address,
      ...(tls && {
        tls: {
          cert: files.certificate(tls.certificate, "listen.tls.certificate"),
          key: files.certificate(tls.key, "listen.tls.key"),
        },
      }),
    },
    pbxs: config.pbxs.map((pbx) => resolvePbx(pbx, files)),
  };
  if (files.mistakes.length > 0) throw new ConfigError(files.mistakes);
  return resolved;
}

function resolvePbx(pbx: PbxConfig, files: Files): ResolvedPbx {
  const { feed, ari, ariOutbound } = pbx;
  const ami = resolveAmi(pbx, files);
  if (ari !== undefined) {
    const options: AriOptions = {
      url: ari.url,
      username: ari.user,
      password: files.secret(ari.password, `${feed}: ari.password`),
      app: ari.app ?? appOf(feed),
      ...(ari.disallowed && { disallowedTypes: ari.disallowed }),
      ...(ari.tls && { tls: files.trust(ari.tls, `${feed}: ari.tls.ca`) }),
    };
    return { feed, main: { kind: "ari", ari: options }, rest: ami };
  }
  if (ariOutbound !== undefined) {
    const { path, user, password, app } = ariOutbound;
    const access = {
      path,
      username: user,
      password: files.secret(password, `${feed}: ariOutbound.password`),
    };
    return { feed, main: { kind: "outbound", access, app }, rest: ami };
  }
  // The schema lets no PBX through that has no source.
  if (ami === undefined) throw new ConfigError([{ at: feed, message: "has no source" }]);
  return { feed, main: { kind: "ami", ami }, rest: undefined };
}

function resolveAmi({ feed, ami, ari, ariOutbound }: PbxConfig, files: Files): AmiOptions | undefined {
  if (ami === undefined) return undefined;
  const tls = ami.tls === true ? { insecure: false } : ami.tls === false ? undefined : ami.tls;
  return {
    host: ami.host,
    port: ami.port ?? (tls === undefined ? 5038 : 5039),
    username: ami.user,
    secret: files.secret(ami.secret, `${feed}: ami.secret`),
    select: ari === undefined && ariOutbound === undefined ? "everything" : "not-in-ari",
    ...(tls && { tls: files.trust(tls, `${feed}: ami.tls.ca`) }),
  };
}

/** An application of its own for each feed: Asterisk gives an application's events to one client only. */
function appOf(feed: string): string {
  return `stasis-relay-${feed}`.slice(0, 64);
}

/** Reads files and secrets, and collects what is wrong with them. */
class Files {
  readonly mistakes: Mistake[] = [];
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  secret(place: SecretPlace, name: string): string {
    return this.#read(() => readSecret(place, name, this.#environment));
  }

  certificate(path: string, name: string): string {
    return this.#read(() => textOfFile(path, name, MAX_CERTIFICATE_BYTES));
  }

  trust({ ca, insecure }: { ca?: string | undefined; insecure: boolean }, name: string) {
    return { ...(ca !== undefined && { ca: this.certificate(ca, name) }), insecure };
  }

  #read(read: () => string): string {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.mistakes.push(...error.mistakes);
      return "";
    }
  }
}
