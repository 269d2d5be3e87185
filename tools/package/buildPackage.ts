import { chmod, cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type BuildResult, build, type Plugin } from "esbuild";
import { writeConsole } from "../../console/build/writeConsole.ts";
import packageJson from "../../package.json" with { type: "json" };
import { licenseTexts } from "./licenses.ts";

/**
 * The programs that people start, their sources, and what starts them.
 *
 * A bridge shall stay below 150 MB. A burst of 20,000 events takes it to 126 MB and one of 60,000 to 131 MB, where glibc
 * keeps two heaps for the buffers of all threads, and the young generation has 2 MB. Node 22
 * warns of node:sqlite at every start.
 */
const PROGRAMS = {
  "stasis-relay-bridge": {
    source: "bridge/main.ts",
    start:
      "/usr/bin/env -S MALLOC_ARENA_MAX=2 node --disable-warning=ExperimentalWarning --max-semi-space-size=2",
  },
  // On Node 22, the embedded SQS would warn of node:sqlite.
  "stasis-relay": {
    source: "cli/main.ts",
    start: "/usr/bin/env -S node --disable-warning=ExperimentalWarning",
  },
};

/** Loaded by a program, from beside it. */
const PARTS = { threadMain: "bridge/spool/threadMain.ts" };

/** What only `stasis-relay start` needs, and what has a program for one platform: npm installs it unless told not to. */
const ENGINES = ["@dynoxide/linux-x64", "fauxqs"] as const;

/** Copied as they are, by where they go. */
const FILES: Readonly<Record<string, string>> = {
  LICENSE: "LICENSE",
  "README.md": "packaging/README.md",
  docs: "docs",
  packaging: "packaging",
  // Beside bin/, where the demo looks for it.
  "recordings/calls-mixed/stasis.ndjson.gz": "local/recordings/calls-mixed/stasis.ndjson.gz",
};

/** The console's scripts and styles, beside the code that serves them. */
const CONSOLE = "bin/console";

const root = join(import.meta.dirname, "../..");

/**
 * Makes the package that users install: the bridge, and the `stasis-relay` command with the whole relay, as bundles whose
 * parts are loaded when they are needed. With npm's --omit=optional it has no dependencies. It is a folder of its own,
 * because the project's package.json names what the relay is made of: 300 MB.
 * @param directory emptied first
 */
export async function buildPackage(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  const { outputFiles, metafile } = await bundle();
  const files = new Map<string, string | Uint8Array>(
    outputFiles.map(({ path, contents }) => [path.slice(root.length + 1), contents]),
  );
  for (const [name, { start }] of Object.entries(PROGRAMS)) {
    const path = `bin/${name}.js`;
    files.set(path, `#!${start}\n${Buffer.from(files.get(path) ?? "")}`);
  }
  files.set("package.json", `${JSON.stringify(manifest(), null, 2)}\n`);
  const consoleSources = await writeConsole(join(directory, CONSOLE));
  const sources = [...Object.keys(metafile.inputs), ...consoleSources];
  files.set("THIRD-PARTY-LICENSES", await licenseTexts(root, sources));
  for (const [path, content] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  for (const name of Object.keys(PROGRAMS)) await chmod(join(directory, `bin/${name}.js`), 0o755);
  for (const [path, source] of Object.entries(FILES))
    await cp(join(root, source), join(directory, path), { recursive: true });
}

function bundle(): Promise<BuildResult<{ write: false; metafile: true }>> {
  return build({
    absWorkingDir: root,
    entryPoints: {
      ...Object.fromEntries(Object.entries(PROGRAMS).map(([name, { source }]) => [name, source])),
      ...PARTS,
    },
    outdir: "bin",
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node22.19",
    mainFields: ["module", "main"],
    external: [...ENGINES],
    inject: ["tools/package/asyncDisposableStack.ts"],
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    // A stack trace shows a line of the code.
    lineLimit: 200,
    // CommonJS packages call it.
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    },
    plugins: [onlyTheVersion, withBuiltConsole],
  });
}

/** Programs read their version from the project's package.json. The rest of it is nothing that they need. */
const onlyTheVersion: Plugin = {
  name: "only-the-version",
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/package\.json$/ }, async ({ path }) => {
      if (path !== join(root, "package.json")) return undefined;
      const { version } = packageJson;
      return { contents: JSON.stringify({ version }), loader: "json" };
    });
  },
};

/** A clone bundles the console from its sources when it is asked for. The package has it built, and no esbuild. */
const withBuiltConsole: Plugin = {
  name: "with-built-console",
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/console\/build\/bundledAssets\.ts$/ }, ({ path }) => ({
      contents: `
        import { join } from "node:path";
        import { builtAssets } from "../server/assets.ts";
        export const bundledAssets = () => builtAssets(join(import.meta.dirname, "console"));`,
      loader: "js",
      resolveDir: dirname(path),
    }));
  },
};

function manifest() {
  const { name, version, description, license, dependencies, optionalDependencies } = packageJson;
  const versions: Readonly<Record<string, string>> = { ...dependencies, ...optionalDependencies };
  return {
    name,
    version,
    description,
    // Nobody has published it. Remove this line to do so.
    private: true,
    license,
    type: "module",
    // undici needs it.
    engines: { node: ">=22.19" },
    bin: Object.fromEntries(Object.keys(PROGRAMS).map((program) => [program, `bin/${program}.js`])),
    optionalDependencies: Object.fromEntries(ENGINES.map((engine) => [engine, versions[engine]])),
  };
}
