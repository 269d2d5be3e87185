import type { LinkLoss } from "../source.ts";

const CODES: Readonly<Record<string, LinkLoss["code"]>> = {
  ECONNREFUSED: "refused",
  ENOTFOUND: "unreachable",
  EAI_AGAIN: "unreachable",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  ETIMEDOUT: "timeout",
  EMSGSIZE: "too-large",
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: "too-large",
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: "too-large",
  ECONNRESET: "closed",
  ECONNABORTED: "closed",
  EPIPE: "closed",
  EPROTO: "tls",
};

/** OpenSSL's verification errors as Node names them (Node's documentation: TLS, X509 certificate error codes). */
const TLS =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/;

/** The class of a failure of the network, TLS or the WebSocket, by the error's own code. */
export function networkLossCode(error: unknown): LinkLoss["code"] {
  if (error instanceof Error && error.name === "TimeoutError") return "timeout";
  if (error instanceof Error && error.name === "AbortError") return "closed";
  const code = errorCode(error);
  if (code === undefined) return "protocol";
  return CODES[code] ?? (TLS.test(code) ? "tls" : "protocol");
}

/** The error's code, or that of its cause: connecting to a name with several addresses fails with one error for all. */
function errorCode(error: unknown): string | undefined {
  for (const each of [error, causeOf(error)])
    if (typeof each === "object" && each !== null && "code" in each && typeof each.code === "string")
      return each.code;
  return undefined;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

/** What to do about a certificate that the bridge does not accept. The bridge's own settings are `ca` and `insecure`. */
function tlsAdvice(code: string | undefined, certificateSetting: string): string {
  if (code === "EPROTO" || code?.startsWith("ERR_SSL_"))
    return `the port does not speak TLS: check ${certificateSetting}, and whether this is the TLS port`;
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID")
    return `its certificate ${code === "CERT_HAS_EXPIRED" ? "has expired" : "is not valid yet"}: renew it (${certificateSetting}), and check both clocks`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `its certificate is for another name: connect to a name that it has, or make one for this name (${certificateSetting})`;
  return `its certificate is not trusted (${code ?? "unknown"}): give the bridge the certificate's CA (ca), or check ${certificateSetting}`;
}

/** Where a protocol's server is configured. */
export interface ServerOfPbx {
  /** The protocol's name. */
  readonly name: string;
  readonly file: string;
  /** The setting of its port. */
  readonly port: string;
}

/** What a failure of the connection means, in the words of the PBX's configuration. */
export function networkLoss(error: unknown, host: string, { name, file, port }: ServerOfPbx): LinkLoss {
  const code = networkLossCode(error);
  const named = errorCode(error);
  switch (code) {
    case "refused":
      return {
        code,
        message: `nothing listens at ${host} (${file}: [general] enabled=yes, bindaddr, ${port}; for TLS tlsenable, tlsbindaddr)`,
      };
    case "unreachable":
      return {
        code,
        message: `${host} cannot be reached (${named}): check the name, the route and the firewall`,
      };
    case "timeout":
      return {
        code,
        message: `${host} does not answer in time: a firewall drops the packets, or ${file}'s bindaddr is another interface`,
      };
    case "tls":
      return {
        code,
        message: `${host}: ${tlsAdvice(named, `${file} (tlscertfile, tlsprivatekey, tlsbindaddr)`)}`,
      };
    case "too-large":
      return { code, message: `${host} sent a message that is larger than the bridge accepts` };
    case "closed":
      return { code, message: `${host} closed the connection (${named})` };
    default:
      return {
        code,
        message: `${host} does not speak ${name}'s protocol: ${error instanceof Error ? error.message : String(error)}`,
      };
  }
}
