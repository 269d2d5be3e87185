import type { IncomingMessage } from "node:http";

/** A user of ari.conf. */
export interface AriUser {
  readonly name: string;
  readonly password: string;
  readonly isReadOnly?: boolean;
}

/** The status with which Asterisk's web server refuses a request; undefined: it does not. Asterisk: res/res_ari.c. */
export function refusalOf(
  { headers, method }: IncomingMessage,
  path: string,
  prefix: string,
  { name, password, isReadOnly = false }: AriUser,
): number | undefined {
  if (!path.startsWith(`${prefix}/ari/`)) return 404;
  const expected = `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
  if (headers.authorization !== expected) return 401;
  return isReadOnly && method !== "GET" ? 403 : undefined;
}
