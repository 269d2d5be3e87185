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
export function errorCode(error: unknown): string | undefined {
  for (const each of [error, causeOf(error)])
    if (typeof each === "object" && each !== null && "code" in each && typeof each.code === "string")
      return each.code;
  return undefined;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

/** What to do about a certificate that the bridge does not accept. The bridge's own settings are `ca` and `insecure`. */
export function tlsAdvice(code: string | undefined, certificateSetting: string): string {
  if (code === "EPROTO" || code?.startsWith("ERR_SSL_"))
    return `the port does not speak TLS: check ${certificateSetting}, and whether this is the TLS port`;
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID")
    return `its certificate ${code === "CERT_HAS_EXPIRED" ? "has expired" : "is not valid yet"}: renew it (${certificateSetting}), and check both clocks`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `its certificate is for another name: connect to a name that it has, or make one for this name (${certificateSetting})`;
  return `its certificate is not trusted (${code ?? "unknown"}): give the bridge the certificate's CA (ca), or check ${certificateSetting}`;
}
