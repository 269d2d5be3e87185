import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

export const root = join(import.meta.dirname, "../..");

/** Top-level folders that hold code. */
export const CODE_FOLDERS = [
  "bridge",
  "cli",
  "client",
  "console",
  "examples",
  "functions",
  "gateway",
  "infra",
  "local",
  "shared",
  "test",
  "tools",
] as const;

/** The text of every source file, by its path from the project's root. */
export const sources: ReadonlyMap<string, string> = new Map(
  globSync(`{${CODE_FOLDERS.join(",")}}/**/*.{ts,tsx}`, { cwd: root })
    .map((file) => file.replaceAll("\\", "/"))
    .sort()
    .map((file) => [file, readFileSync(join(root, file), "utf8")]),
);

export interface Import {
  readonly file: string;
  /** A path from the project's root, or a package. */
  readonly target: string;
  readonly typesOnly: boolean;
}

const STATIC = /^(?:import|export)\s(?<what>[^"']*?)\sfrom\s+"(?<from>[^"]+)"|^import\s+"(?<bare>[^"]+)"/gm;
const DYNAMIC = /\bimport\("(?<from>[^"]+)"\)/g;

export const imports: readonly Import[] = [...sources].flatMap(([file, source]) =>
  [...source.matchAll(STATIC), ...source.matchAll(DYNAMIC)].map(({ groups = {} }) => {
    const from = groups.from ?? groups.bare ?? "";
    return {
      file,
      target: from.startsWith(".") ? normalize(join(dirname(file), from)).replaceAll("\\", "/") : from,
      typesOnly: groups.what?.startsWith("type ") ?? false,
    };
  }),
);

/** Whether an import's target is a file of the project. */
export function isOwn(target: string): boolean {
  return CODE_FOLDERS.some((folder) => target.startsWith(`${folder}/`));
}

const importsOf = Map.groupBy(imports, ({ file }) => file);

function importedBy(file: string): readonly Import[] {
  return (importsOf.get(file) ?? []).filter(({ target }) => sources.has(target));
}

/** The files that are loaded with a file, itself included. */
export function loadedWith(file: string, loaded = new Set<string>()): ReadonlySet<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  for (const { target, typesOnly } of importedBy(file)) if (!typesOnly) loadedWith(target, loaded);
  return loaded;
}

/** Import cycles, type imports included. Each is the list of its files in order. */
export function circles(): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    const at = path.indexOf(file);
    if (at >= 0) found.push(path.slice(at));
    if (at >= 0 || done.has(file)) return;
    for (const { target } of importedBy(file)) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of sources.keys()) visit(file, []);
  return found;
}
