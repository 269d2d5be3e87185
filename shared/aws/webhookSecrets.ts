import { DecryptCommand, EncryptCommand, KMSClient } from "@aws-sdk/client-kms";
import { LRUCache } from "lru-cache";
import { RelayError } from "../errors.ts";
import type { Environment } from "../runtime/settings.ts";
import type { Session, SessionSecret } from "../sessions/session.ts";
import { clientSettings } from "./clients.ts";
import { environmentNames } from "./names.ts";

/*
 * How webhook secrets lie in the Sessions table: under a KMS key where the environment names one, else as they are.
 * A secret is smaller than what KMS encrypts by itself (4 KB), so there is no data key. The session is part of
 * the encryption context: a secret that is copied to another session's row cannot be opened there.
 */

const REQUEST_TIMEOUT_MILLIS = 5_000;

/** The secrets of as many sessions as one process is likely to serve; opening one costs a request to KMS. */
const KEPT_SECRETS = 2_000;

/** Encrypts a secret that is about to be stored. */
export function createSecretSealer(
  environment: Environment,
): (session: string, secret: string) => Promise<string> {
  const keyArn = environment[environmentNames.webhookSecretKeyArn];
  if (!keyArn) return async (_session, secret) => secret;
  const client = createKms(environment);
  return async (session, secret) => {
    const { CiphertextBlob } = await client.send(
      new EncryptCommand({
        KeyId: keyArn,
        Plaintext: Buffer.from(secret, "utf8"),
        EncryptionContext: { session },
      }),
    );
    if (CiphertextBlob === undefined) throw new RelayError("secret.not-sealed", "KMS gave no ciphertext");
    return Buffer.from(CiphertextBlob).toString("base64");
  };
}

/** Decrypts the secrets of a session that was read. What was opened is kept in memory, by its ciphertext. */
export function createSecretOpener(environment: Environment): (session: Session) => Promise<Session> {
  const keyArn = environment[environmentNames.webhookSecretKeyArn];
  if (!keyArn) return async (session) => session;
  const client = createKms(environment);
  const opened = new LRUCache<string, Promise<string>>({ max: KEPT_SECRETS });

  const open = async (session: string, sealed: string): Promise<string> => {
    const { Plaintext } = await client.send(
      new DecryptCommand({
        KeyId: keyArn,
        CiphertextBlob: Buffer.from(sealed, "base64"),
        EncryptionContext: { session },
      }),
    );
    if (Plaintext === undefined) throw new RelayError("secret.not-opened", "KMS gave no plaintext");
    return Buffer.from(Plaintext).toString("utf8");
  };
  const openOnce = async (session: string, { secret, ...rest }: SessionSecret): Promise<SessionSecret> => {
    const key = `${session} ${secret}`;
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
    secrets: await Promise.all(session.secrets.map((each) => openOnce(session.session, each))),
  });
}

function createKms(environment: Environment): KMSClient {
  return new KMSClient(clientSettings(environment, "KMS", REQUEST_TIMEOUT_MILLIS));
}
