import { DecryptCommand, EncryptCommand, KMSClient } from "@aws-sdk/client-kms";
import { LRUCache } from "lru-cache";
import { RelayError } from "../errors.ts";
import type { Environment } from "../runtime/settings.ts";
import type { Session, SessionKind, SessionSecret } from "../sessions/session.ts";
import { clientSettings } from "./clients.ts";
import { secrets } from "./resources.ts";

/*
 * The sessions' secrets in the Sessions table are encrypted with a KMS key where the environment names one, and plain
 * otherwise. A secret is smaller than 4 KB, which KMS encrypts directly, so there is no data key. The session's id is
 * part of the encryption context: a secret copied to another session's row cannot be decrypted there. So is the kind,
 * unless it is "webhook": deliver's role cannot decrypt the secrets of AMI users, and the gateway's no others.
 */

const REQUEST_TIMEOUT_MILLIS = 5_000;

/** About as many secrets as one process serves. Each decryption is a request to KMS. */
const KEPT_SECRETS = 2_000;

/** Encrypts a secret before it is stored. */
export function createSecretSealer(
  environment: Environment,
): (sessionId: string, secret: string, kind?: SessionKind) => Promise<string> {
  const keyArn = environment[secrets.webhookSecrets.variable];
  if (!keyArn) return async (_sessionId, secret) => secret;
  const client = createKms(environment);
  return async (sessionId, secret, kind = "webhook") => {
    const { CiphertextBlob } = await client.send(
      new EncryptCommand({
        KeyId: keyArn,
        Plaintext: Buffer.from(secret, "utf8"),
        EncryptionContext: encryptionContext({ session: sessionId, kind }),
      }),
    );
    if (CiphertextBlob === undefined) throw new RelayError("secret.not-sealed", "KMS returned no ciphertext");
    return Buffer.from(CiphertextBlob).toString("base64");
  };
}

/** Decrypts the secrets of a session. Decrypted secrets are cached by their ciphertext. */
export function createSecretOpener(
  environment: Environment,
): <Kind extends Session>(session: Kind) => Promise<Kind> {
  const keyArn = environment[secrets.webhookSecrets.variable];
  if (!keyArn) return async (session) => session;
  const client = createKms(environment);
  const opened = new LRUCache<string, Promise<string>>({ max: KEPT_SECRETS });

  const open = async (session: Session, sealed: string): Promise<string> => {
    const { Plaintext } = await client.send(
      new DecryptCommand({
        KeyId: keyArn,
        CiphertextBlob: Buffer.from(sealed, "base64"),
        EncryptionContext: encryptionContext(session),
      }),
    );
    if (Plaintext === undefined) throw new RelayError("secret.not-opened", "KMS returned no plaintext");
    return Buffer.from(Plaintext).toString("utf8");
  };
  const openOnce = async (session: Session, { secret, ...rest }: SessionSecret): Promise<SessionSecret> => {
    const key = `${session.session} ${secret}`;
    const opening = opened.get(key) ?? open(session, secret);
    opened.set(key, opening);
    try {
      return { ...rest, secret: await opening };
    } catch (error) {
      opened.delete(key);
      throw error;
    }
  };
  return async (session) => ({
    ...session,
    secrets: await Promise.all(session.secrets.map((each) => openOnce(session, each))),
  });
}

/** Webhook secrets are older than the kind, so theirs has only the session. */
function encryptionContext({ session, kind }: Pick<Session, "session" | "kind">): Record<string, string> {
  return { session, ...(kind === "webhook" ? {} : { kind }) };
}

function createKms(environment: Environment): KMSClient {
  return new KMSClient(clientSettings(environment, "KMS", REQUEST_TIMEOUT_MILLIS));
}
