import { describe, expect, it } from "vitest";
import { createSecretOpener, createSecretSealer } from "../../../shared/aws/webhookSecrets.ts";
import type { AmiSession, Session } from "../../../shared/sessions/session.ts";
import { AwsJsonServer, AwsRefusal } from "../../support/awsJsonServer.ts";

const KEY = "arn:aws:kms:us-east-1:000000000000:key/1";

/** KMS as callers see it: a ciphertext can be decrypted only with its key and its encryption context. */
function kms() {
  const contextOf = (input: Readonly<Record<string, unknown>>) =>
    JSON.stringify([input.KeyId, input.EncryptionContext]);
  return AwsJsonServer.start({
    Encrypt: (input) => {
      const blob = Buffer.from(JSON.stringify({ context: contextOf(input), plain: input.Plaintext }));
      return { KeyId: KEY, CiphertextBlob: blob.toString("base64") };
    },
    Decrypt: (input) => {
      const { context, plain } = JSON.parse(Buffer.from(String(input.CiphertextBlob), "base64").toString());
      if (context !== contextOf(input)) throw new AwsRefusal("InvalidCiphertextException");
      return { KeyId: KEY, Plaintext: plain };
    },
  });
}

function sessionWith(sessionId: string, secrets: Session["secrets"]): Session {
  return {
    session: sessionId,
    feed: "pbx",
    kind: "webhook",
    url: "https://example.org/",
    format: "stasis",
    maxBatch: 50,
    secrets,
    createdAtEpochMillis: 0,
  };
}

describe("webhook secrets with a key", () => {
  it("are stored encrypted, and each is decrypted once for its session", async () => {
    await using server = await kms();
    const environment = { ...server.environment, RELAY_WEBHOOK_SECRET_KEY_ARN: KEY };
    const sealed = await createSecretSealer(environment)("ses_1", "whsec_AAAA");
    expect(sealed).not.toContain("whsec_");
    const open = createSecretOpener(environment);
    const stored = sessionWith("ses_1", [{ secret: sealed }, { secret: sealed, expiresAtEpochMillis: 5 }]);
    for (let turn = 0; turn < 3; turn += 1)
      expect((await open(stored)).secrets).toEqual([
        { secret: "whsec_AAAA" },
        { secret: "whsec_AAAA", expiresAtEpochMillis: 5 },
      ]);
    expect(server.asked).toEqual(["Encrypt", "Decrypt"]);
  });

  it("of an AMI user are bound to its kind too: deliver's role cannot decrypt them", async () => {
    await using server = await kms();
    const environment = { ...server.environment, RELAY_WEBHOOK_SECRET_KEY_ARN: KEY };
    const sealed = await createSecretSealer(environment)("ses_1", "from-manager.conf", "ami");
    const user: AmiSession = {
      session: "ses_1",
      feed: "pbx",
      kind: "ami",
      username: "wallboard",
      read: "all",
      eventFilters: [],
      resume: false,
      multipleLogin: "refuse",
      sequenceHeader: false,
      isPaused: false,
      version: 1,
      secrets: [{ secret: sealed }],
      createdAtEpochMillis: 0,
    };
    expect((await createSecretOpener(environment)(user)).secrets).toEqual([{ secret: "from-manager.conf" }]);
    const { context } = JSON.parse(Buffer.from(sealed, "base64").toString());
    expect(JSON.parse(context)).toEqual([KEY, { session: "ses_1", kind: "ami" }]);
    const asWebhook = createSecretOpener(environment)(sessionWith("ses_1", [{ secret: sealed }]));
    await expect(asWebhook).rejects.toMatchObject({ name: "InvalidCiphertextException" });
  });

  it("cannot be decrypted in another session's row", async () => {
    await using server = await kms();
    const environment = { ...server.environment, RELAY_WEBHOOK_SECRET_KEY_ARN: KEY };
    const sealed = await createSecretSealer(environment)("ses_1", "whsec_AAAA");
    const opening = createSecretOpener(environment)(sessionWith("ses_2", [{ secret: sealed }]));
    await expect(opening).rejects.toMatchObject({ name: "InvalidCiphertextException" });
  });

  it("are decrypted after a failure of KMS", async () => {
    await using server = await kms();
    const environment = { ...server.environment, RELAY_WEBHOOK_SECRET_KEY_ARN: KEY };
    const stored = sessionWith("ses_1", [
      { secret: await createSecretSealer(environment)("ses_1", "whsec_AAAA") },
    ]);
    const open = createSecretOpener(environment);
    server.isDown = true;
    await expect(open(stored)).rejects.toMatchObject({ name: "InternalServiceError" });
    server.isDown = false;
    expect((await open(stored)).secrets).toEqual([{ secret: "whsec_AAAA" }]);
  });
});

it("without a key, secrets are stored unencrypted", async () => {
  expect(await createSecretSealer({})("ses_1", "whsec_AAAA")).toBe("whsec_AAAA");
  const stored = sessionWith("ses_1", [{ secret: "whsec_AAAA" }]);
  expect(await createSecretOpener({})(stored)).toEqual(stored);
});
