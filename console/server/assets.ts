import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Context } from "hono";
import { HttpProblem } from "../../shared/http/problem.ts";

/** What pages load, by what it is for. */
export const ASSETS = [
  "console",
  "signIn",
  "reference",
  "styles",
  "referenceStyles",
  "swagger",
  "swaggerStyles",
  "icon",
] as const;
export type AssetName = (typeof ASSETS)[number];

/** The file of each asset. */
export type AssetFiles = Readonly<Record<AssetName, string>>;

/** @throws Error when an asset has no file */
export function assetFiles(fileOf: (name: AssetName) => unknown): AssetFiles {
  const entries = ASSETS.map((name) => {
    const file = fileOf(name);
    if (typeof file !== "string") throw new Error(`the console was built without ${name}`);
    return [name, file] as const;
  });
  return Object.fromEntries(entries) as AssetFiles;
}

export interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly isGzipped: boolean;
}

/** Scripts and styles. Their file names contain a digest, so a browser may keep them for ever. */
export interface ConsoleAssets {
  files(): Promise<AssetFiles>;
  read(file: string): Promise<Asset | undefined>;
}

/** Names what a built folder holds. */
export const MANIFEST = "manifest.json";

/** Nothing else is read from the folder. */
const FILE = /^[\w-]+\.(?:js|css|svg)$/;

/** Assets that were built into a folder, each compressed. A file is read when it is first asked for. */
export function builtAssets(directory: string): ConsoleAssets {
  let manifest: Promise<AssetFiles> | undefined;
  const known = new Map<string, Asset>();
  return {
    files: () => {
      manifest ??= readFile(join(directory, MANIFEST), "utf8").then((text) => {
        const files: Record<string, unknown> = JSON.parse(text);
        return assetFiles((name) => files[name]);
      });
      return manifest;
    },
    read: async (file) => {
      const before = known.get(file);
      if (before !== undefined || !FILE.test(file)) return before;
      const bytes = await readFile(join(directory, `${file}.gz`)).catch(() => undefined);
      if (bytes === undefined) return undefined;
      const asset = { bytes, isGzipped: true };
      known.set(file, asset);
      return asset;
    },
  };
}

const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

export async function answerAsset(assets: ConsoleAssets, context: Context): Promise<Response> {
  const file = context.req.param("file") ?? "";
  const asset = await assets.read(file);
  const type = TYPES[file.slice(file.lastIndexOf(".") + 1)];
  if (asset === undefined || type === undefined)
    throw new HttpProblem(404, "route.unknown", `There is no ${context.req.path}.`);
  const takesGzip = /\bgzip\b/.test(context.req.header("accept-encoding") ?? "");
  const isSentGzipped = asset.isGzipped && takesGzip;
  return new Response(isSentGzipped || !asset.isGzipped ? asset.bytes : gunzipSync(asset.bytes), {
    headers: {
      "content-type": type,
      "cache-control": "public, max-age=31536000, immutable",
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "same-origin",
      ...(isSentGzipped && { "content-encoding": "gzip" }),
      ...(asset.isGzipped && { vary: "accept-encoding" }),
    },
  });
}
