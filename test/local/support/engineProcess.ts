/** A process that runs the embedded DynamoDB until it is killed: `node engineProcess.ts <database file>`. */
import { startDynamodb } from "../../../local/engines/dynamodb.ts";

const engine = await startDynamodb({ databaseFile: process.argv[2] ?? "" });
const { endpoint, credentials } = engine;
process.stdout.write(`${JSON.stringify({ endpoint, credentials })}\n`);
