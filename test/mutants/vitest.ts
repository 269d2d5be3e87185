import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

/** The results of the selected tests of a run. Tests that were not selected are left out. */
export interface TestRun {
  /** Files that could not be loaded. */
  readonly loadErrors: readonly string[];
  readonly tests: readonly { readonly title: string; readonly failure: string | undefined }[];
}

/** The used parts of vitest's JSON report (Jest's format). */
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().default(""),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z
            .array(z.string())
            .nullish()
            .transform((messages) => messages ?? []),
        }),
      ),
    }),
  ),
});

/** Runs the tests of a project whose full titles contain `title`. */
export async function runTests(root: string, file: string, title: string): Promise<TestRun> {
  const report = join(root, "mutant-report.json");
  await rm(report, { force: true });
  const args = [
    "run",
    file,
    "--testNamePattern",
    escaped(title),
    "--reporter=json",
    `--outputFile=${report}`,
  ];
  const child = spawn(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk;
    });
  await once(child, "close");
  const text = await readFile(report, "utf8").catch(() => undefined);
  if (text === undefined) return { loadErrors: [output.trim() || "vitest wrote no report"], tests: [] };
  return readReport(JSON.parse(text));
}

export function readReport(report: unknown): TestRun {
  const { testResults } = reportSchema.parse(report);
  return {
    loadErrors: testResults
      .filter(({ status, assertionResults }) => status === "failed" && assertionResults.every(isUnrun))
      .map(({ name, message }) => `${name}: ${message}`),
    tests: testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter((test) => !isUnrun(test))
      .map(({ fullName, status, failureMessages }) => ({
        title: fullName,
        failure: status === "failed" ? (failureMessages[0] ?? "") : undefined,
      })),
  };
}

function isUnrun({ status }: { status: string }): boolean {
  return status !== "passed" && status !== "failed";
}

function escaped(title: string): string {
  return title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
