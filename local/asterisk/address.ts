import type { AriOptions } from "../../bridge/sources/ari/ariSource.ts";
import { SettingsError } from "../../shared/errors.ts";

/**
 * The ARI connection behind `--asterisk http://USER:PASSWORD@HOST:PORT`.
 * @throws SettingsError
 */
export function asteriskOf(address: string, feed: string): AriOptions {
  const url = URL.parse(address);
  const wrong = (message: string) => new SettingsError("--asterisk", message);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw wrong("must be Asterisk's web server with a user of ari.conf: http://USER:PASSWORD@127.0.0.1:8088");
  if (url.username === "" || url.password === "")
    throw wrong("needs a user of ari.conf and its password: http://USER:PASSWORD@127.0.0.1:8088");
  const [username, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  url.username = "";
  url.password = "";
  return { url: url.href, username, password, app: `stasis-relay-local-${feed}`.slice(0, 64) };
}
