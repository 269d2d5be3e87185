import { CliError } from "./cliError.ts";
import { readKey } from "./target.ts";
import { isWebhookSecret } from "./webhookSignature.ts";

/**
 * A webhook's secret: of the file, else of WEBHOOK_SECRET, where the examples have it too. Undefined without both.
 * @throws CliError when it cannot sign
 */
export async function readSecret(
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const secret = file === undefined ? environment.WEBHOOK_SECRET || undefined : await readKey(file);
  if (secret === undefined || isWebhookSecret(secret)) return secret;
  throw new CliError(
    "secret.malformed",
    `${file ?? "WEBHOOK_SECRET"} is not a webhook's secret: whsec_ followed by base64, as \`subscribe\` and \`rotate\` show it.`,
  );
}
