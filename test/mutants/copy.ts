import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const LEFT_OUT = new Set([".git", "node_modules", ".data", ".python", ".schemathesis", "cdk.out"]);

/** A copy of the project that mutants may change. It shares the project's packages. Deleted when disposed of. */
export class ProjectCopy implements AsyncDisposable {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async of(project: string): Promise<ProjectCopy> {
    const root = await mkdtemp(join(tmpdir(), "mutants-"));
    const filter = (source: string) => source === project || !LEFT_OUT.has(basename(source));
    await cp(project, root, { recursive: true, filter });
    await symlink(join(project, "node_modules"), join(root, "node_modules"));
    return new ProjectCopy(root);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true });
  }
}
