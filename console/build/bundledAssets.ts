import type { ConsoleAssets } from "../server/assets.ts";
import type { ConsoleBundle } from "./bundle.ts";

/** Assets that are bundled from their sources when the first page is asked for, and kept in memory. */
export function bundledAssets(): ConsoleAssets {
  let bundling: Promise<ConsoleBundle> | undefined;
  const bundle = () => {
    // esbuild is loaded only when somebody opens the console.
    bundling ??= bundleOnce();
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

async function bundleOnce(): Promise<ConsoleBundle> {
  const [{ stop }, { bundleConsole }] = await Promise.all([import("esbuild"), import("./bundle.ts")]);
  // esbuild is a process of its own, which would stay as long as the relay.
  return bundleConsole().finally(() => stop());
}
