import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BridgeProcess } from "../support/bridgeProcess.ts";
import type { TestDirectory } from "./testBridge.ts";

interface Line {
  readonly level: string;
  readonly message: string;
  readonly feed?: string;
  readonly error?: string;
}

export function linesOf({ output }: BridgeProcess, feed: string): Line[] {
  const lines: Line[] = output
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  return lines.filter((line) => line.feed === feed);
}

export const troublesOf = (bridge: BridgeProcess, feed: string) =>
  linesOf(bridge, feed).filter(({ level }) => level !== "INFO" && level !== "info");

/** An entry of `pbxs`. */
export function ari(feed: string, url: string, more = ""): string {
  return `  - { feed: ${feed}, ari: { url: "${url}", user: ari, password: { env: ARI_PASSWORD }${more} } }`;
}

export function configFile(
  directory: TestDirectory,
  relayUrl: string,
  pbxs: readonly string[],
  outsidePort: number,
) {
  const path = join(directory.path, "bridge.yaml");
  writeFileSync(
    path,
    `relay: { url: "${relayUrl}", key: { env: RELAY_KEY } }
spool: { directory: ${join(directory.path, "spool")} }
outside: { listen: "127.0.0.1:${outsidePort}" }
pbxs:
${pbxs.join("\n")}
`,
  );
  return path;
}

export function megabytesOf(bridge: BridgeProcess): number {
  const status = readFileSync(`/proc/${bridge.child.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

export const event = (n: number) => JSON.stringify({ type: "ChannelUserevent", n });
