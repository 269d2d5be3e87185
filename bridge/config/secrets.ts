import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../bridgeError.ts";
import type { SecretPlace } from "./schema.ts";

const MAX_SECRET_BYTES = 4 * 1024;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a secret from where the configuration says that it is. A line end after it is not part of it. Nothing here ever
 * says what it is.
 * @param name the setting, for messages
 * @throws ConfigError when it is not there or empty
 */
export function readSecret(place: SecretPlace, name: string, environment: Environment): string {
  const at = name;
  if (place.env !== undefined) {
    const value = environment[place.env];
    if (value) return value;
    throw new ConfigError([{ at, message: `the environment variable ${place.env} is not set` }]);
  }
  const path = pathOf(place, at, environment);
  const secret = textOfFile(path, at).replace(/\r?\n$/, "");
  if (secret === "") throw new ConfigError([{ at, message: `the file ${path} is empty` }]);
  return secret;
}

function pathOf({ file, credential = "" }: SecretPlace, at: string, environment: Environment): string {
  if (file !== undefined) return file;
  const directory = environment.CREDENTIALS_DIRECTORY;
  if (directory) return join(directory, credential);
  throw new ConfigError([
    {
      at,
      message: `the credential ${credential} needs systemd's LoadCredential, and CREDENTIALS_DIRECTORY is not set`,
    },
  ]);
}

/** A file of the configuration, such as a certificate. @throws ConfigError */
export function textOfFile(path: string, at: string, maxBytes = MAX_SECRET_BYTES): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new ConfigError([{ at, message: `the file ${path} cannot be read (${code})` }]);
  }
  if (bytes.length > maxBytes)
    throw new ConfigError([{ at, message: `the file ${path} has more than ${maxBytes} bytes` }]);
  return bytes.toString("utf8");
}
