import { describe, expect, it } from "vitest";
import { createApiKeyCheck } from "../../../shared/aws/apiKeys.ts";
import { systemClock } from "../../../shared/runtime/clock.ts";
import { silentLog } from "../../../shared/runtime/log.ts";
import type { Environment } from "../../../shared/runtime/settings.ts";
import { AwsJsonServer, AwsRefusal } from "../../support/awsJsonServer.ts";

const ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:key";

/** Secrets Manager with one secret, whose versions are given by stage. */
function secretsManager(versions: Readonly<Record<string, string>>, createdEpochSeconds: number) {
  return AwsJsonServer.start({
    GetSecretValue: ({ SecretId, VersionStage }) => {
      const secret = versions[String(VersionStage)];
      if (SecretId !== ARN || secret === undefined) throw new AwsRefusal("ResourceNotFoundException");
      return { ARN, SecretString: secret, CreatedDate: createdEpochSeconds };
    },
  });
}

function check(environment: Environment) {
  return createApiKeyCheck(environment, {
    settings: { secretOverlapMillis: 60_000 },
    clock: systemClock,
    log: silentLog,
  });
}

describe("the check of the management key", () => {
  it("reads the current and the previous version of the secret named in the environment", async () => {
    await using server = await secretsManager({ AWSCURRENT: "new", AWSPREVIOUS: "old" }, Date.now() / 1000);
    const isApiKey = check({ ...server.environment, RELAY_API_KEY_SECRET_ARN: ARN });
    expect([await isApiKey("new"), await isApiKey("old"), await isApiKey("other")]).toEqual([
      true,
      true,
      false,
    ]);
    expect(server.asked).toEqual(["GetSecretValue", "GetSecretValue"]);
  });

  it("refuses the previous version when the rotation was longer ago than the overlap", async () => {
    await using server = await secretsManager(
      { AWSCURRENT: "new", AWSPREVIOUS: "old" },
      Date.now() / 1000 - 61,
    );
    const isApiKey = check({ ...server.environment, RELAY_API_KEY_SECRET_ARN: ARN });
    expect([await isApiKey("new"), await isApiKey("old")]).toEqual([true, false]);
  });

  it("needs no previous version, and no secret at all where the key is given", async () => {
    await using server = await secretsManager({ AWSCURRENT: "new" }, Date.now() / 1000);
    expect(await check({ ...server.environment, RELAY_API_KEY_SECRET_ARN: ARN })("new")).toBe(true);
    expect(await check({ RELAY_API_KEY: "given" })("given")).toBe(true);
    expect(() => check({})).toThrow("RELAY_API_KEY: is not set");
  });

  it("fails while there is no secret to compare with", async () => {
    await using server = await secretsManager({}, 0);
    const isApiKey = check({ ...server.environment, RELAY_API_KEY_SECRET_ARN: ARN });
    await expect(isApiKey("")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });
});
