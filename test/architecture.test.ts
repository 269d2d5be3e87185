import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const files = globSync("{functions,shared,infra,local,bench,cost}/**/*.ts", { cwd: root }).map((file) =>
  file.replaceAll("\\", "/"),
);
const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));

const IMPORT = /^(?:import|export)\s(?<what>[^"']*?)\sfrom\s+"(?<from>[^"]+)"|^import\s+"(?<bare>[^"]+)"/gm;

interface Import {
  readonly file: string;
  /** A path from the project's root, or a package. */
  readonly target: string;
  readonly typesOnly: boolean;
}

const imports: readonly Import[] = [...sources].flatMap(([file, source]) =>
  [...source.matchAll(IMPORT)].map(({ groups = {} }) => {
    const from = groups.from ?? groups.bare ?? "";
    return {
      file,
      target: from.startsWith(".") ? normalize(join(dirname(file), from)) : from,
      typesOnly: groups.what?.startsWith("type ") ?? false,
    };
  }),
);

/** Imports that a rule forbids, as text that says where. */
function offences(isForbidden: (each: Import) => boolean): string[] {
  return imports.filter(isForbidden).map(({ file, target }) => `${file} imports ${target}`);
}

/** What is loaded when a file is, itself included. */
function loadedWith(file: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  for (const each of imports)
    if (each.file === file && !each.typesOnly && sources.has(each.target)) loadedWith(each.target, loaded);
  return loaded;
}

describe("the files that are looked at", () => {
  it("are those of the relay, with their imports", () => {
    expect(files).toEqual(expect.arrayContaining(["functions/ingest/handler.ts", "shared/aws/cursors.ts"]));
    expect(loadedWith("functions/deliver/handler.ts")).toContain("shared/aws/cursors.ts");
  });

  it("import only files that exist", () => {
    expect(
      offences(({ target }) => /^(functions|shared|infra|local)\//.test(target) && !sources.has(target)),
    ).toEqual([]);
  });
});

describe("the domain", () => {
  it("knows no AWS SDK: only shared/aws and local do, and handlers their types", () => {
    expect(
      offences(
        ({ file, target, typesOnly }) =>
          target.startsWith("@aws-sdk/") &&
          !/^(shared\/aws|local|bench)\//.test(file) &&
          !(typesOnly && file.endsWith("/handler.ts")),
      ),
    ).toEqual([]);
  });

  it.each(["stasis", "ami", "queue", "sessions"])("of shared/%s imports no adapter", (folder) => {
    expect(
      offences(
        ({ file, target }) =>
          file.startsWith(`shared/${folder}/`) && /^(shared\/(aws|http)|functions|local)\//.test(target),
      ),
    ).toEqual([]);
  });

  it("reads no clock, no randomness and no environment", () => {
    const impure = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bprocess\.|\brandomUUID\(/;
    const comments = /\/\*.*?\*\/|\/\/[^\n]*/gs;
    const exempt = new Set(["shared/runtime/clock.ts", "shared/runtime/onFirstEvent.ts"]);
    const found = [...sources].filter(
      ([file, source]) =>
        /^(shared|functions)\//.test(file) &&
        !file.endsWith("/handler.ts") &&
        !exempt.has(file) &&
        impure.test(source.replace(comments, "")),
    );
    expect(found.map(([file]) => file)).toEqual([]);
  });
});

describe("the functions", () => {
  const functionOf = (path: string) => /^functions\/([^/]+)\//.exec(path)?.[1];

  it("do not import each other, and nothing in shared imports them or local", () => {
    expect(
      offences(({ file, target }) => {
        if (file.startsWith("shared/")) return /^(functions|infra|local|bench|test)\//.test(target);
        const [from, to] = [functionOf(file), functionOf(target)];
        return (
          from !== undefined &&
          (/^(infra|local|bench|test)\//.test(target) || (to !== undefined && to !== from))
        );
      }),
    ).toEqual([]);
  });

  it("of ingest loads nothing that reaches Cursors or Sessions", () => {
    const loaded = [...loadedWith("functions/ingest/handler.ts")];
    expect(loaded).toContain("shared/aws/pages.ts");
    expect(loaded.filter((file) => file.includes("cursor") || file.includes("session"))).toEqual([]);
    expect(
      loaded.filter(
        (file) =>
          /\b(cursors|sessions)\.variable\b/.test(sources.get(file) ?? "") &&
          file !== "shared/aws/resources.ts",
      ),
    ).toEqual([]);
  });
});

describe("the infrastructure", () => {
  it("shares names, keys, limits and settings with the functions, and loads none of them", () => {
    const mayShare = /^shared\/(aws\/(resources|keys|limits)|runtime\/(settings|metricNames)|errors)\.ts$/;
    expect(
      offences(
        ({ file, target }) =>
          file.startsWith("infra/") &&
          /^(functions|shared|local|bench|cli|conformance)\//.test(target) &&
          !mayShare.test(target),
      ),
    ).toEqual([]);
  });

  it("is no part of what a month costs, which runs without CDK", () => {
    expect(
      offences(({ file, target }) => file.startsWith("cost/") && /^(infra|functions|local)\//.test(target)),
    ).toEqual([]);
  });

  it("is the only one to know CDK", () => {
    expect(
      offences(
        ({ file, target }) =>
          /^(aws-cdk-lib|constructs|cdk-nag)(\/|$)/.test(target) && !file.startsWith("infra/"),
      ),
    ).toEqual([]);
  });
});

it("nothing imports a test; measurements may use what supports them", () => {
  const isSupport = (path: string) => path.startsWith("test/support/");
  expect(
    offences(
      ({ file, target }) => target.startsWith("test/") && !(file.startsWith("bench/") && isSupport(target)),
    ),
  ).toEqual([]);
});
