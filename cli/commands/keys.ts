import { type Command, Option } from "commander";
import type { Key, NewKey, Role } from "../../client/types.ts";
import { CliError } from "../cliError.ts";
import { confirm } from "../confirm.ts";
import { EXIT } from "../exitCodes.ts";
import { names } from "../options.ts";
import { factLines } from "../output/facts.ts";
import { type Column, fittedTable } from "../output/fittedTable.ts";
import { columnsOfOutput } from "../output/paint.ts";
import { plain } from "../output/plain.ts";
import { agoText } from "../output/times.ts";
import { type Run, runs } from "../run.ts";
import { numberOption } from "../terminal/numberOption.ts";

interface CreateOptions {
  readonly role: Role;
  readonly feed?: readonly string[];
  readonly rate?: number;
}

export function define(command: Command): void {
  command
    .description("Lists the relay's keys, without their texts. Only managers of all feeds may.")
    .action(runs(list));
  command
    .command("create")
    .description("Makes a key, and shows it this once.")
    .argument("<name>", "for people: who has it")
    .addOption(
      new Option("--role <role>", "what it may do")
        .choices(["reader", "producer", "manager"])
        .makeOptionMandatory(),
    )
    .option(
      "--feed <names>",
      "its feeds, with commas; * stands for any characters; a manager's may be absent: all",
      names,
    )
    .option("--rate <number>", "requests a second (200)", numberOption({ atLeast: 1, isWhole: true }))
    .addHelpText(
      "after",
      "\nExample:\n  stasis-relay keys create 'bridge of pbx-1' --role producer --feed pbx-1",
    )
    .action(runs(create));
  command
    .command("revoke")
    .description("Ends a key everywhere within 30 seconds.")
    .argument("<id>", "the key's id, which is no secret")
    .option("--yes", "end it without a question")
    .action(runs(revoke));
}

async function list(run: Run) {
  const client = await run.connect();
  const keys = await Array.fromAsync(client.listKeys());
  await run.answer({ keys }, () =>
    keys.length === 0
      ? ["There is no key but the management key. `stasis-relay keys create` makes one."]
      : fittedTable(keys, columns(Date.now()), columnsOfOutput()),
  );
}

function columns(nowEpochMillis: number): readonly Column<Key>[] {
  return [
    { title: "KEY", value: ({ id }) => id, least: 13 },
    { title: "NAME", value: ({ name }) => plain(name), least: 16 },
    { title: "ROLE", value: ({ role }) => role },
    { title: "FEEDS", value: ({ feeds }) => feeds.join(","), least: 10 },
    { title: "USED", value: ({ lastUsed }) => agoText(lastUsed, nowEpochMillis), spare: 1 },
    { title: "RATE", value: ({ requestsPerSecond }) => `${requestsPerSecond}/s`, isNumber: true, spare: 2 },
  ];
}

async function create(run: Run, name: string, { role, feed, rate }: CreateOptions) {
  const client = await run.connect();
  const created = await client.createKey(newKey(name, role, feed, rate));
  await run.answer(created, () =>
    factLines([
      ["id", created.id],
      ["name", plain(created.name)],
      ["may", `${created.role} of ${created.feeds.join(", ")}`],
      ["key", created.key],
    ]),
  );
  if (!run.json) run.note("Keep the key: it is not shown again.");
}

function newKey(
  name: string,
  role: Role,
  feeds: readonly string[] | undefined,
  rate: number | undefined,
): NewKey {
  const settings = { name, ...(rate !== undefined && { requestsPerSecond: rate }) };
  if (role === "manager") return { ...settings, role, ...(feeds && { feeds }) };
  if (feeds === undefined)
    throw new CliError("arguments", `A ${role} is for certain feeds: name them with --feed.`);
  return { ...settings, role, feeds };
}

async function revoke(run: Run, id: string, { yes }: { yes?: true }) {
  const client = await run.connect();
  const found: Key[] = [];
  for await (const key of client.listKeys())
    if (key.id === id || (id.length >= 6 && key.id.startsWith(id.replace("…", "")))) found.push(key);
  const [key] = found;
  if (key === undefined)
    throw new CliError(
      "key.unknown",
      `There is no key ${id}. \`stasis-relay keys\` lists them.`,
      EXIT.unknown,
    );
  if (found.length > 1) throw new CliError("key.ambiguous", `${found.length} keys begin with ${id}.`);
  await confirm(
    run,
    [
      `${plain(key.name)} (${key.role} of ${key.feeds.join(", ")}, used ${agoText(key.lastUsed, Date.now())}) will be unable to call the relay.`,
    ],
    { yes },
  );
  await client.deleteKey(key.id);
  await run.answer({ revoked: key.id }, () => [`${key.id} is revoked.`]);
}
