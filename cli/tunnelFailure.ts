import type { Address } from "./tunnelAddress.ts";
import { addressText } from "./tunnelAddress.ts";

/** What a failed connection to the gateway means, and what to do. Codes: Node's "errors" and "tls" pages. */
const MEANINGS: Readonly<Record<string, string>> = {
  ENOTFOUND: "the name cannot be resolved",
  EAI_AGAIN: "the name cannot be resolved now; is the network up?",
  ECONNREFUSED: "nobody listens there; is the port right?",
  ECONNRESET: "the other side ended the connection; does it speak TLS at this port?",
  EHOSTUNREACH: "there is no route to the host",
  ENETUNREACH: "there is no route to the network",
  ETIMEDOUT: "no answer in time; does a firewall let this port through?",
  ERR_SSL_WRONG_VERSION_NUMBER: "the other side does not speak TLS at this port",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the other side does not speak TLS at this port",
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet; is this machine's clock right?",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name; --server-name names the right one",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed; --ca FILE trusts it",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is signed by an unknown authority; --ca FILE trusts one",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "its certificate is signed by an unknown authority; --ca FILE trusts one",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is signed by an unknown authority; --ca FILE trusts one",
};

/** A line for the person at the terminal. */
export function describeFailure(to: Address, error: Error): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const meaning = MEANINGS[code];
  return `${addressText(to)}: ${meaning === undefined ? error.message : `${meaning} (${code})`}`;
}
