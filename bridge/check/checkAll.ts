import { RelayClient } from "../../client/relayClient.ts";
import type { Resolved, ResolvedPbx } from "../config/resolve.ts";
import { USER_AGENT } from "../version.ts";
import type { Finding } from "./finding.ts";
import { checkManager, checkPbx } from "./pbxCheck.ts";
import { checkRelay } from "./relayCheck.ts";
import { checkSpool } from "./spoolCheck.ts";

/** Asterisk dials a bridge twice a second. */
const DIAL_IN_WITHIN_MILLIS = 10_000;

/** Connects to everything once. PBXs are looked at side by side; those that dial in share a port, one after the other. */
export async function checkAll(
  config: Resolved,
  { dialInWithinMillis = DIAL_IN_WITHIN_MILLIS } = {},
): Promise<Finding[]> {
  const client = new RelayClient({ url: config.relay.url, apiKey: config.relay.key, userAgent: USER_AGENT });
  let dialIn: Promise<unknown> = Promise.resolve();
  const check = async (pbx: ResolvedPbx): Promise<Finding[]> => {
    const { feed, main, rest } = pbx;
    const run = () => checkPbx(feed, main, config.listen, dialInWithinMillis);
    const whenMain = main.kind === "outbound" ? dialIn.then(run) : run();
    if (main.kind === "outbound") dialIn = whenMain;
    const [relay, ...links] = await Promise.all([
      checkRelay(client, config.relay.url, feed),
      whenMain,
      ...(rest === undefined ? [] : [checkManager(`Manager of the feed ${feed}`, rest)]),
    ]);
    return [...links, checkSpool(config.spool, feed), relay];
  };
  return (await Promise.all(config.pbxs.map(check))).flat();
}
