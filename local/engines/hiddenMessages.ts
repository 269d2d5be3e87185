import { DatabaseSync } from "node:sqlite";

/** SQS delays a message by 15 minutes at most, and no queue of the relay hides one for as long as that. */
const LONGEST_MILLIS = 900_000;

/**
 * Makes messages visible whose times lie further ahead than is possible: the clock was set back since they were
 * written, and would hide them for as long.
 */
export function releaseHiddenMessages(queueFile: string, nowEpochMillis: number): void {
  const database = new DatabaseSync(queueFile);
  try {
    const hasMessages = database
      .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'sqs_messages'")
      .get();
    if (hasMessages === undefined) return;
    for (const column of ["visibility_deadline", "delay_until"])
      database
        .prepare(`UPDATE sqs_messages SET ${column} = NULL WHERE ${column} > ?`)
        .run(nowEpochMillis + LONGEST_MILLIS);
  } finally {
    database.close();
  }
}
