import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join, relative } from "node:path";
import { build, type Plugin } from "esbuild";
import packageJson from "../../package.json" with { type: "json" };
import { type AssetFiles, type AssetName, assetFiles } from "../server/assets.ts";

const folder = join(import.meta.dirname, "..");
const root = join(folder, "..");

/** What esbuild makes, by the file that it begins with. */
const ENTRIES: Readonly<Partial<Record<AssetName, string>>> = {
  console: "browser/console.tsx",
  signIn: "browser/signIn.ts",
  reference: "browser/reference.ts",
  styles: "styles/console.css",
  referenceStyles: "styles/reference.css",
};

const require = createRequire(import.meta.url);

/** Served as they are. */
const COPIES: Readonly<Partial<Record<AssetName, string>>> = {
  swagger: require.resolve("swagger-ui-dist/swagger-ui-bundle.js"),
  swaggerStyles: require.resolve("swagger-ui-dist/swagger-ui.css"),
  icon: join(folder, "styles/icon.svg"),
};

export interface ConsoleBundle {
  readonly files: AssetFiles;
  readonly contents: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** What it was made from, by paths from the project's root: whose licenses count. */
  readonly sources: readonly string[];
}

/** Makes the scripts and styles of the console: a fifth of a second, and nothing is written. */
export async function bundleConsole(): Promise<ConsoleBundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: folder,
    entryPoints: Object.entries(ENTRIES).map(([out, source]) => ({ in: source, out })),
    entryNames: "[name]-[hash]",
    chunkNames: "part-[hash]",
    outdir: "assets",
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2023",
    minify: true,
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "eof",
    logLevel: "silent",
    plugins: [onlyTheVersion],
  });
  const contents = new Map(
    outputFiles.map(({ path, contents }) => [basename(path), new Uint8Array(contents)]),
  );
  const files = new Map<string, string>();
  for (const [output, { entryPoint }] of Object.entries(metafile.outputs))
    for (const [name, source] of Object.entries(ENTRIES))
      if (entryPoint === source) files.set(name, basename(output));
  for (const [name, path] of Object.entries(COPIES)) {
    const bytes = await readFile(path);
    const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 8);
    const file = `${name}-${digest}${path.slice(path.lastIndexOf("."))}`;
    files.set(name, file);
    contents.set(file, new Uint8Array(bytes));
  }
  const sources = [
    ...Object.keys(metafile.inputs).map((path) => join(folder, path)),
    ...Object.values(COPIES),
  ];
  return {
    files: assetFiles((name) => files.get(name)),
    contents,
    sources: sources.map((path) => relative(root, path)),
  };
}

/** The client says its version. Nothing else of package.json is for browsers. */
const onlyTheVersion: Plugin = {
  name: "only-the-version",
  setup: ({ onLoad }) => {
    onLoad({ filter: /[\\/]package\.json$/ }, async ({ path }) => {
      if (path !== join(root, "package.json")) return undefined;
      return { contents: JSON.stringify({ version: packageJson.version }), loader: "json" };
    });
  },
};
