import * as z from "zod";
import type { PbxIdentity, PbxState } from "../../source.ts";
import { SourceError } from "../sourceError.ts";
import { parseAsteriskTime } from "./ariTime.ts";

/** `GET` of an ARI path below `/ari/`, such as `channels`. @throws SourceError */
export type AriGet = (path: string, signal: AbortSignal) => Promise<unknown>;

/** The parts of `GET /asterisk/info` that are read (Asterisk: rest-api/api-docs/asterisk.json, model `AsteriskInfo`). */
const infoSchema = z.object({
  status: z.object({ startup_time: z.string().max(64) }),
  system: z
    .object({ version: z.string().max(256), entity_id: z.string().max(256) })
    .partial()
    .optional(),
  config: z
    .object({ name: z.string().max(256) })
    .partial()
    .optional(),
});

const objectsSchema = z.array(z.record(z.string(), z.unknown()));

/**
 * Who the PBX is. Its start time is the epoch.
 * @throws SourceError also when the answer is not Asterisk's
 */
export async function readIdentity(get: AriGet, signal: AbortSignal): Promise<PbxIdentity> {
  const info = infoSchema.safeParse(await get("asterisk/info?only=status,system,config", signal));
  const startedAtEpochMillis = info.success ? parseAsteriskTime(info.data.status.startup_time) : undefined;
  if (!info.success || startedAtEpochMillis === undefined)
    throw notAsterisk("asterisk/info", "has no status.startup_time");
  const { system, config } = info.data;
  return {
    startedAtEpochMillis,
    version: system?.version || undefined,
    systemName: config?.name || undefined,
    entityId: system?.entity_id || undefined,
  };
}

/** What the PBX has now. @throws SourceError */
export async function readState(get: AriGet, signal: AbortSignal, now: () => number): Promise<PbxState> {
  const objects = async (path: string) => {
    const list = objectsSchema.safeParse(await get(path, signal));
    if (!list.success) throw notAsterisk(path, "is not a list of objects");
    return list.data;
  };
  const pbx = await readIdentity(get, signal);
  const takenAtEpochMillis = now();
  const [channels, bridges, endpoints, deviceStates] = await Promise.all([
    objects("channels"),
    objects("bridges"),
    objects("endpoints"),
    objects("deviceStates"),
  ]);
  return { pbx, takenAtEpochMillis, channels, bridges, endpoints, deviceStates };
}

function notAsterisk(path: string, what: string): SourceError {
  return new SourceError({
    code: "protocol",
    message: `the answer to GET /ari/${path.split("?")[0]} ${what}: this is no Asterisk, or a proxy answers in its place`,
  });
}
