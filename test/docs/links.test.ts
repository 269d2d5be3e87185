import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { anchorsOf, DOCUMENTS, ROOT, targetOf, textOf } from "./documents.ts";

const FOLDERS = /^(?:functions|shared|infra|local|client|cli|test|tools|docs|examples|\.ci)\/[^ ]+$/;

describe.each(DOCUMENTS)("%s", (document) => {
  const text = textOf(document);

  it("links only files and headings that exist", () => {
    const broken = [...text.replace(/`[^`\n]+`/g, "").matchAll(/\]\(([^)\s]+)\)/g)].flatMap(
      ([, link = ""]) => {
        const target = targetOf(document, link);
        if (target === undefined) return [];
        if (!existsSync(join(ROOT, target.file))) return [link];
        return target.anchor && !anchorsOf(target.file).includes(target.anchor) ? [link] : [];
      },
    );
    expect(broken).toEqual([]);
  });

  it("names only paths that exist", () => {
    const paths = [...text.matchAll(/`([^`\n]+)`/g)].flatMap(([, path = ""]) =>
      FOLDERS.test(path) ? expanded(path) : [],
    );
    const absent = paths.filter((path) => globSync(path, { cwd: ROOT }).length === 0);
    expect(absent).toEqual([]);
  });

  it("names only npm scripts that exist", () => {
    const scripts = [...text.matchAll(/npm run (?:-s )?([a-z][a-z:-]*)/g)].map(([, script = ""]) => script);
    expect(scripts.filter((script) => !(script in packageJson.scripts))).toEqual([]);
  });
});

/** `a/{b,c}.ts` as its two paths. */
function expanded(path: string): string[] {
  const [, before = "", names, after = ""] = /^(.*?)\{(.*?)\}(.*)$/.exec(path) ?? [];
  return names === undefined
    ? [path]
    : names.split(",").flatMap((name) => expanded(`${before}${name}${after}`));
}
