import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  CODE_FOLDERS,
  circles,
  type Import,
  imports,
  isOwn,
  loadedWith,
  root,
  sources,
} from "./support/importGraph.ts";

/**
 * Which folder may import which. A folder may always import itself. In `shared/` each line may name only lines above
 * it, so arrows run one way.
 */
const SHARED: Readonly<Record<string, readonly string[]>> = {
  "shared/errors.ts": [],
  "shared/runtime": ["shared/errors.ts"],
  "shared/ami": ["shared/errors.ts"],
  "shared/stasis": ["shared/ami"],
  "shared/queue": ["shared/errors.ts", "shared/runtime", "shared/ami"],
  "shared/sessions": ["shared/errors.ts", "shared/runtime", "shared/ami", "shared/queue"],
  "shared/groups": ["shared/errors.ts", "shared/runtime", "shared/queue", "shared/sessions"],
  "shared/webhook": ["shared/errors.ts", "shared/runtime", "shared/queue", "shared/sessions"],
  "shared/access": ["shared/runtime", "shared/queue"],
  "shared/http": ["shared/errors.ts", "shared/runtime", "shared/queue", "shared/access"],
  "shared/aws": [
    "shared/errors.ts",
    "shared/runtime",
    "shared/queue",
    "shared/sessions",
    "shared/groups",
    "shared/access",
    "shared/http",
  ],
};

const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  ...SHARED,
  // Pages for people: the server's half runs in the api function, the browser's half calls the interface.
  console: ["shared/access", "shared/http", "client"],
  functions: [...Object.keys(SHARED), "console"],
  gateway: [
    "shared/errors.ts",
    "shared/runtime",
    "shared/ami",
    "shared/queue",
    "shared/sessions",
    "shared/aws",
  ],
  // From a PBX into a feed.
  bridge: ["cli/terminal", "shared/errors.ts", "shared/runtime", "shared/http", "shared/ami", "client"],
  client: [],
  examples: ["client"],
  // What every program prints and reads on a command line.
  "cli/terminal": [],
  // Programs under one roof: `start` is local/, `bridge` is bridge/.
  cli: ["cli/terminal", "shared/errors.ts", "shared/ami", "shared/stasis", "client", "bridge", "local"],
  infra: ["cli/terminal", "shared/errors.ts", "shared/runtime", "shared/aws"],
  local: [
    "cli/terminal",
    "shared/errors.ts",
    "shared/runtime",
    "shared/queue",
    "shared/access",
    "shared/http",
    "shared/aws",
    "functions",
    "gateway",
    "client",
    "bridge",
    "console",
  ],
  "tools/conformance": ["cli/terminal", "shared/ami", "shared/stasis"],
  "tools/bench": [
    "cli/terminal",
    "shared/runtime",
    "shared/ami",
    "shared/stasis",
    "shared/queue",
    "shared/sessions",
    "shared/groups",
    "shared/aws",
    "functions",
    "local",
    "client",
    "test",
  ],
  "tools/cost": ["cli/terminal", "shared/runtime", "shared/queue", "shared/aws", "tools/bench"],
  // Bundles what it does not import.
  "tools/package": ["console"],
  test: [
    ...Object.keys(SHARED),
    ...CODE_FOLDERS,
    "cli/terminal",
    "tools/bench",
    "tools/conformance",
    "tools/cost",
    "tools/package",
  ],
};

/** The folder of the table that a file belongs to; the file itself when it lies in none. */
function folderOf(file: string): string {
  if (file.startsWith("cli/terminal/")) return "cli/terminal";
  const [top = "", second = ""] = file.split("/");
  return top === "shared" || top === "tools" ? `${top}/${second}` : top;
}

/** Imports that a rule forbids, as text that says where. */
function offences(isForbidden: (each: Import) => boolean): string[] {
  return imports.filter(isForbidden).map(({ file, target }) => `${file} imports ${target}`);
}

describe("the files that are looked at", () => {
  it("are those of the relay, with their imports", () => {
    expect([...sources.keys()]).toEqual(
      expect.arrayContaining(["functions/ingest/handler.ts", "shared/aws/cursors.ts"]),
    );
    expect(loadedWith("functions/deliver/handler.ts")).toContain("shared/aws/cursors.ts");
  });

  it("all lie in folders that the table knows", () => {
    expect([...sources.keys()].filter((file) => !(folderOf(file) in ALLOWED))).toEqual([]);
  });

  it("import only files that exist", () => {
    expect(offences(({ target }) => isOwn(target) && !existsSync(join(root, target)))).toEqual([]);
  });
});

describe("the folders", () => {
  it("import only what the table allows", () => {
    expect(
      offences(({ file, target }) => {
        const [from, to] = [folderOf(file), folderOf(target)];
        return isOwn(target) && from !== to && !ALLOWED[from]?.includes(to);
      }),
    ).toEqual([]);
  });

  it("need every arrow that the table allows", () => {
    const used = new Set(imports.map(({ file, target }) => `${folderOf(file)} → ${folderOf(target)}`));
    const unused = Object.entries(ALLOWED)
      .filter(([from]) => from !== "test" && from !== "functions")
      .flatMap(([from, targets]) => targets.map((to) => `${from} → ${to}`))
      .filter((arrow) => !used.has(arrow));
    expect(unused).toEqual([]);
  });

  it("of shared/ import only what stands above them in the table", () => {
    const order = Object.keys(SHARED);
    const upward = Object.entries(SHARED).flatMap(([from, targets]) =>
      targets.filter((to) => order.indexOf(to) >= order.indexOf(from)).map((to) => `${from} → ${to}`),
    );
    expect(upward).toEqual([]);
  });

  it("have no files that import each other in a circle", () => {
    expect(circles()).toEqual([]);
  });
});

describe("the domain", () => {
  it("knows no AWS SDK: only shared/aws, local and examples do, and handlers their types", () => {
    expect(
      offences(
        ({ file, target, typesOnly }) =>
          target.startsWith("@aws-sdk/") &&
          !/^(shared\/aws|local|tools\/bench|test|examples)\//.test(file) &&
          !(typesOnly && file.endsWith("/handler.ts")),
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

  it("do not import each other", () => {
    expect(
      offences(({ file, target }) => {
        const [from, to] = [functionOf(file), functionOf(target)];
        return from !== undefined && to !== undefined && to !== from;
      }),
    ).toEqual([]);
  });

  it("of ingest loads nothing that reaches Cursors or Sessions", () => {
    const loaded = [...loadedWith("functions/ingest/handler.ts")];
    expect(loaded).toContain("shared/aws/pages.ts");
    expect(loaded.filter((file) => /cursor|session/i.test(file))).toEqual([]);
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
    const mayShare =
      /^shared\/(aws\/(resources|keys|limits)|runtime\/(settings|settingValues|metricNames)|errors)\.ts$/;
    expect(
      offences(
        ({ file, target }) => file.startsWith("infra/") && /^shared\//.test(target) && !mayShare.test(target),
      ),
    ).toEqual([]);
  });

  it("is the only one to know CDK", () => {
    expect(
      offences(
        ({ file, target }) =>
          /^(aws-cdk-lib|constructs|cdk-nag)(\/|$)/.test(target) && !/^(infra|test\/infra)\//.test(file),
      ),
    ).toEqual([]);
  });
});

it("nothing imports a test; measurements may use what supports them", () => {
  expect(
    offences(
      ({ file, target }) =>
        target.startsWith("test/") &&
        !file.startsWith("test/") &&
        !(file.startsWith("tools/bench/") && target.startsWith("test/support/")),
    ),
  ).toEqual([]);
});
