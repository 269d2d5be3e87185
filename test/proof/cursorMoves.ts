import { unpackCursors } from "../../shared/groups/packedCursors.ts";
import type { AwsCall } from "../support/awsCalls.ts";
import type { Witnessed } from "../support/witnessed.ts";

type Move = NonNullable<Witnessed["moves"]>[number];

interface CursorWrite {
  readonly TableName?: string;
  readonly Key?: { readonly sk?: { readonly S?: string } };
  readonly Item?: Readonly<Record<string, Value>>;
  readonly ExpressionAttributeValues?: Readonly<Record<string, Value>>;
}

interface Value {
  readonly S?: string;
  readonly N?: string;
  readonly B?: Uint8Array;
}

/** Records where cursors move, from the successful writes. */
export class CursorMoves {
  readonly moves: Move[] = [];
  readonly #table: string;
  /** Each session's place after the writes so far. */
  readonly #newest = new Map<string, Move>();
  readonly #done = new WeakSet<object>();

  constructor(table: string) {
    this.#table = table;
  }

  /** Notes a successful write. A transaction that the SDK retries has the same token, so it takes effect once. */
  note({ command, input }: AwsCall): void {
    if (command === "UpdateItem") this.#write(input);
    if (command !== "TransactWriteItems" || this.#done.has(input)) return;
    this.#done.add(input);
    for (const { Update, Put } of input.TransactItems) this.#write(Update ?? Put ?? {});
  }

  #write({ TableName, Key, Item, ExpressionAttributeValues: values }: CursorWrite): void {
    if (TableName !== this.#table) return;
    const packed = values?.[":cursors"]?.B ?? Item?.cursors?.B;
    if (packed !== undefined) {
      for (const [session, { generation, next }] of Object.entries(unpackCursors(packed)))
        this.#note({ session, generation, next });
      return;
    }
    const sessionId = Key?.sk?.S ?? Item?.session?.S ?? "";
    const generation = values?.[":generation"]?.N ?? Item?.generation?.N;
    const next = values?.[":next"]?.N ?? Item?.next?.N;
    const before = this.#newest.get(sessionId);
    // A mark of a group, or one of the items beside it, moves nobody.
    if (before === undefined && next === undefined) return;
    this.#note({
      session: sessionId,
      generation: Number(generation ?? before?.generation ?? 1),
      next: Number(next ?? before?.next ?? 1),
    });
  }

  #note(move: Move): void {
    const before = this.#newest.get(move.session);
    if (before?.generation === move.generation && before.next === move.next) return;
    this.#newest.set(move.session, move);
    this.moves.push(move);
  }
}
