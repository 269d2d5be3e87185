import type { Command } from "commander";
import { type ContextFile, contextPath, readContexts, requireContext, writeContexts } from "../context.ts";
import { fittedTable } from "../output/fittedTable.ts";
import { columnsOfOutput } from "../output/paint.ts";
import { type Run, runs } from "../run.ts";
import { resolveTarget } from "../target.ts";

export function define(command: Command): void {
  command
    .description(
      "Shows which relay commands call and why, and the contexts that `login` keeps. Keys are never shown.",
    )
    .action(runs(list));
  command
    .command("use")
    .description("Commands call this relay from now on.")
    .argument("<name>", "a context")
    .action(runs(use));
  command
    .command("remove")
    .description(
      "Forgets a relay's address and key on this machine. The key itself stays valid: `keys revoke` ends it.",
    )
    .argument("<name>", "a context")
    .action(runs(remove));
}

async function list(run: Run) {
  const file = await readContexts(contextPath(process.env));
  const target = await resolveTarget(run.targetOptions, process.env);
  const contexts = Object.entries(file.contexts).map(([name, { url }]) => ({
    name,
    url,
    current: name === file.current,
  }));
  const { url, urlFrom, keyFrom } = target;
  await run.answer({ url, urlFrom, keyFrom, contexts }, () => [
    `Commands call ${url} (from ${urlFrom}), with the key from ${keyFrom}.`,
    ...(contexts.length === 0
      ? ["There is no context yet: `stasis-relay login URL` makes one."]
      : ["", ...table(contexts)]),
  ]);
}

function table(contexts: readonly { name: string; url: string; current: boolean }[]): string[] {
  return fittedTable(
    contexts,
    [
      { title: "", value: ({ current }) => (current ? "*" : "") },
      { title: "CONTEXT", value: ({ name }) => name },
      { title: "RELAY", value: ({ url }) => url, least: 20 },
    ],
    columnsOfOutput(),
  );
}

async function use(run: Run, name: string) {
  const path = contextPath(process.env);
  const file = await readContexts(path);
  const { url } = requireContext(file, name);
  await writeContexts(path, { ...file, current: name });
  await run.answer({ context: name, url }, () => [`Commands call ${url} from now on (context ${name}).`]);
}

async function remove(run: Run, name: string) {
  const path = contextPath(process.env);
  const file = await readContexts(path);
  requireContext(file, name);
  const contexts = Object.fromEntries(Object.entries(file.contexts).filter(([each]) => each !== name));
  const rest: ContextFile = {
    contexts,
    ...(file.current !== name && file.current !== undefined && { current: file.current }),
  };
  await writeContexts(path, rest);
  await run.answer({ removed: name }, () => [`The context ${name} is forgotten.`]);
}
