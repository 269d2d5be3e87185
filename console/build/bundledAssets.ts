import type { ConsoleAssets } from "../server/assets.ts";
import type { ConsoleBundle } from "./bundle.ts";

/** Assets that are bundled from their sources when the first page is asked for, and kept in memory. */
export function bundledAssets(): ConsoleAssets {
  let bundling: Promise<ConsoleBundle> | undefined;
  const bundle = () => {
    // esbuild is loaded only when somebody opens the console.
    bundling ??= import("./bundle.ts").then(({ bundleConsole }) => bundleConsole());
    return bundling;
  };
  return {
    files: async () => (await bundle()).files,
    read: async (file) => {
      const bytes = (await bundle()).contents.get(file);
      return bytes && { bytes, isGzipped: false };
    },
  };
}
