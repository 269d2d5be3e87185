import { createPrivateKey, X509Certificate } from "node:crypto";
import { z } from "zod";
import { RelayError } from "../shared/errors.ts";
import type { Certificate } from "./server/managerServer.ts";

export interface ReadCertificate {
  readonly certificate: Certificate;
  readonly expiresAtEpochMillis: number;
}

const storedSchema = z.object({ certificate: z.string().max(60_000), key: z.string().max(20_000) });

/**
 * Reads the secret of a certificate: JSON with `certificate`, a chain in PEM whose first certificate is the server's, and
 * `key`, its private key in PEM.
 * @throws RelayError `certificate.invalid`, which says what is wrong and nothing of the key
 */
export function readCertificate(secret: string): ReadCertificate {
  const stored = storedSchema.safeParse(parsed(secret));
  if (!stored.success) throw invalid('it is not JSON with the texts "certificate" and "key"');
  const { certificate, key } = stored.data;
  let server: X509Certificate;
  try {
    server = new X509Certificate(certificate);
  } catch {
    throw invalid('"certificate" is no certificate in PEM');
  }
  let isPair: boolean;
  try {
    isPair = server.checkPrivateKey(createPrivateKey(key));
  } catch {
    throw invalid('"key" is no private key in PEM without a passphrase');
  }
  if (!isPair) throw invalid('"key" is not the key of the first certificate');
  return { certificate: { cert: certificate, key }, expiresAtEpochMillis: server.validToDate.getTime() };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function invalid(what: string): RelayError {
  return new RelayError("certificate.invalid", `the gateway's certificate cannot be used: ${what}`);
}
