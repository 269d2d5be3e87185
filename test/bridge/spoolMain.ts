import { spoolCommand } from "../../bridge/spool/commands.ts";

/** The spool commands as a program of their own, for tests. */
await spoolCommand(".").parseAsync();
