import type { Log } from "../shared/runtime/log.ts";
import type { Environment } from "../shared/runtime/settings.ts";
import { DEMO_AMI_USER } from "./demo/demo.ts";
import type { Surroundings } from "./live/table.ts";
import { shown } from "./live/text.ts";
import type { Relay } from "./relay.ts";
import { exportLine } from "./shell.ts";

/** What people read beside the demo's lines: only what needs their attention. */
export function terminalLog(print: (line: string) => void): Log {
  const at =
    (level: string) =>
    (message: string, facts: Record<string, unknown> = {}) => {
      const details = Object.entries(facts).map(([name, value]) => `${name}=${format(value)}`);
      print(shown([`${level}: ${message}`, ...details].join(" ")));
    };
  return { info: () => {}, warn: at("warning"), error: at("error") };
}

function format(value: unknown): string {
  if (typeof value === "string") return value;
  // JSON knows nothing of errors, and would show none of what they say.
  return value instanceof Error ? String(value) : JSON.stringify(value);
}

export const ENVIRONMENT_HELP = `
Environment:
  PORT, HOST                 where to listen (8080 on 127.0.0.1)
  AMI_PORT                   where AMI clients connect (5038); 0 turns it off
  AMI_HTTP_PORT              where AMI over HTTP is served; off without it
  RELAY_API_KEY              the key that callers name (local)
  RELAY_DATA_DIR             keeps the data over a restart; without it they are in memory
  RELAY_SEGMENT_SIZE         messages in a segment
  RELAY_FREE_GRACE_SECONDS   how old a segment must be to be freed (30)
  RELAY_CURSOR_GROUPS        whether sessions share rows (on)
  RELAY_RETENTION_SECONDS    how far a session may lag before it is moved forward
  RELAY_ALLOWED_HOSTS        names by which the relay may be called besides those of this machine
  RELAY_SWEEP_SECONDS        how often lost hints are repaired and segments freed (5)
  AWS_ENDPOINT_URL           LocalStack or the like, instead of the embedded engines`;

/** How another program reaches the embedded SQS, whose keys are new at each start; empty when there is none. */
export function queueHelp(connection: Environment, queueUrl: string): string {
  const accessKey = connection.AWS_ACCESS_KEY_ID_SQS;
  const secretKey = connection.AWS_SECRET_ACCESS_KEY_SQS;
  const { AWS_ENDPOINT_URL_SQS: endpoint, AWS_REGION: region = "" } = connection;
  if (!accessKey || !secretKey || !endpoint) return "";
  const line = exportLine({
    AWS_ENDPOINT_URL_SQS: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: secretKey,
  });
  // At the endpoint's address: not every system resolves the name in the queue's own URL.
  const reachableUrl = new URL(new URL(queueUrl).pathname, endpoint).href;
  return `Events over SQS (docs/producers.md) go to ${reachableUrl}, with keys for this run:

  ${line}
`;
}

/** How AMI clients connect; empty when none can. */
export function amiHelp(
  { url, apiKey, amiPorts }: Pick<Relay, "url" | "apiKey" | "amiPorts">,
  hasDemoUser: boolean,
): string {
  const key = shownKey(apiKey);
  const { port, httpPort } = amiPorts;
  const lines: string[] = [];
  if (httpPort !== undefined)
    lines.push(`AMI over HTTP is served at port ${httpPort}: /rawman, /mxml and /manager.`);
  if (port !== undefined) {
    const host = new URL(url).hostname;
    const user = `-d '{"kind":"ami","feed":"demo","username":"wallboard"}'`;
    lines.push(
      `AMI clients connect to ${host}:${port}. To add a user of your own, whose secret is in the answer:`,
      "",
      `  curl -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" ${user} ${url}/v1/sessions`,
    );
    if (hasDemoUser)
      lines.push(
        "",
        "The demo has one, which is given the recorded calls at its first login:",
        "",
        `  (printf 'Action: Login\\r\\nUsername: ${DEMO_AMI_USER.username}\\r\\nSecret: ${DEMO_AMI_USER.secret}\\r\\n\\r\\n'; cat) | nc ${host} ${port}`,
      );
  }
  if (port !== undefined)
    lines.push("", "docs/ami-clients.md has a program for each of the usual AMI libraries.");
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** Where the relay is and how long its data last. The key is shown only if it is the one that everybody knows. */
export function greeting(url: string, apiKey: string, dataDirectory: string | undefined): string {
  const key = shownKey(apiKey);
  const event = `{"type":"ChannelUserevent","timestamp":"${new Date().toISOString()}","eventname":"Hello"}`;
  return `stasis-relay is at ${url} (API key: ${key}). Ctrl-C stops the relay.
${dataDirectory ? `Data are kept in ${dataDirectory}.` : "Data are in memory only and end with this process; RELAY_DATA_DIR=.data keeps them."}

An event of your own goes into the feed "demo" with

  curl -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" -d '[${event}]' ${url}/v1/feeds/demo/events
`;
}

/**
 * Where to look in a browser; empty when no page is served. The sign-in page takes the key from behind "#", which
 * reaches no server: the one that everybody knows is filled in, and one's own is in no terminal.
 */
export function pagesHelp(url: string, apiKey: string, pages: readonly string[]): string {
  if (pages.length === 0) return "";
  const known = shownKey(apiKey) === apiKey;
  const links = pages.map((path) =>
    path === "/console" && known
      ? `${url}/console/sign-in#key=${encodeURIComponent(apiKey)}    (the key is filled in)`
      : url + path,
  );
  return `See it in a browser:\n\n${links.map((link) => `  ${link}`).join("\n")}\n`;
}

/** What stays beside the table: where the relay is, how long its data last, and how to stop it. */
export function surroundingsOf({
  url,
  pages,
  dataDirectory,
}: {
  readonly url: string;
  readonly pages: readonly string[];
  readonly dataDirectory: string | undefined;
}): Surroundings {
  const data = dataDirectory ? `Data are kept in ${shown(dataDirectory)}.` : "Data are in memory only.";
  return {
    title: [`stasis-relay at ${url}`, ...(pages.length > 0 ? [`see ${pages.join(", ")}`] : [])].join("; "),
    footer: `Ctrl-C stops the relay, a second one at once. ${data}`,
  };
}

function shownKey(apiKey: string): string {
  return apiKey === "local" ? "local" : "$RELAY_API_KEY";
}
