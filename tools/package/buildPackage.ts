import { chmod, copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type BuildResult, build, type Plugin } from "esbuild";
import packageJson from "../../package.json" with { type: "json" };
import { licenseTexts } from "./licenses.ts";

/**
 * The programs that people start, their sources, and what starts them.
 *
 * A bridge shall stay below 150 MB. A burst of 20,000 events took it to 159 to 176 MB, and takes it to 137 to 147 MB where
 * glibc keeps two heaps for the buffers of all threads, and requests and transactions are smaller. A young generation of
 * 2 MB saves 10 MB at 500 events a second. Node 22 warns of node:sqlite at every start.
 */
const PROGRAMS = {
  "stasis-relay-bridge": {
    source: "bridge/main.ts",
    start:
      "/usr/bin/env -S MALLOC_ARENA_MAX=2 node --disable-warning=ExperimentalWarning --max-semi-space-size=2",
  },
  "stasis-relay": { source: "cli/main.ts", start: "/usr/bin/env node" },
};

/** Loaded by a program, from beside it. */
const PARTS = { threadMain: "bridge/spool/threadMain.ts" };

/** Copied as they are. */
const FILES = [
  "LICENSE",
  "docs/connect-asterisk.md",
  "packaging/bridge.example.yaml",
  "packaging/stasis-relay-bridge.service",
];

const root = join(import.meta.dirname, "../..");

/**
 * Makes the package that users install: the bridge and the `stasis-relay` command, each one bundle, without
 * dependencies. It is a folder of its own, because the project's package.json names what the whole relay needs: 300 MB.
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
  files.set("THIRD-PARTY-LICENSES", await licenseTexts(root, Object.keys(metafile.inputs)));
  for (const [path, content] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  for (const name of Object.keys(PROGRAMS)) await chmod(join(directory, `bin/${name}.js`), 0o755);
  for (const path of FILES) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await copyFile(join(root, path), join(directory, path));
  }
  await copyFile(join(root, "packaging/README.md"), join(directory, "README.md"));
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
    // node:sqlite works without a flag since 22.13. The oldest of a line decides what must be translated.
    target: "node22.13",
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    // CommonJS packages call it.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    plugins: [onlyTheVersion, withoutTheRelay],
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

/** `stasis-relay start` needs all of the relay, with a database for one platform: the repository has it. */
const withoutTheRelay: Plugin = {
  name: "without-the-relay",
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/local\/main\.ts$/ }, () => ({
      contents: `process.stderr.write(${JSON.stringify(NO_RELAY)}); process.exit(1);`,
      loader: "js",
    }));
  },
};

const NO_RELAY =
  "stasis-relay: the relay itself is not in this package. In a clone of the project, npm start runs it.\n";

function manifest() {
  const { version, license } = packageJson;
  return {
    name: "stasis-relay-bridge",
    version,
    description: "Brings the events of Asterisk PBXs into a stasis-relay",
    // Nobody has published it. Remove this line to do so.
    private: true,
    license,
    type: "module",
    engines: { node: ">=22.13" },
    bin: Object.fromEntries(Object.keys(PROGRAMS).map((name) => [name, `bin/${name}.js`])),
  };
}
