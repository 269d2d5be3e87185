import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** Every document that tells a reader what to do, by its path from the root. */
export const DOCUMENTS: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  "examples/README.md",
  "local/recordings/README.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`)
    .sort(),
];

export function textOf(document: string): string {
  return readFileSync(join(ROOT, document), "utf8");
}

/** The fenced blocks of a language, such as `sh`. */
export function blocksOf(document: string, language: string): string[] {
  const fences = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms");
  return [...textOf(document).matchAll(fences)].map(([, block = ""]) => block);
}

/** A file that a link in a document names, and the heading's anchor in it. Undefined for other sites. */
export function targetOf(document: string, link: string): { file: string; anchor?: string } | undefined {
  if (/^[a-z]+:/.test(link)) return undefined;
  const [path = "", anchor] = link.split("#");
  const file = path === "" ? document : normalize(join(dirname(document), path));
  return { file, ...(anchor ? { anchor } : {}) };
}

/** The anchors of a document's headings, as Git servers make them. */
export function anchorsOf(document: string): string[] {
  const prose = textOf(document).replace(/^```.*?^```/gms, "");
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, "")
      .replaceAll(" ", "-"),
  );
}
