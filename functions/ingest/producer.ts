import * as z from "zod";
import { HttpProblem } from "../../shared/http/problem.ts";

/** Control characters would make log lines and responses unreadable. The prefix `sqs:` is for SQS message ids. */
const producerIdSchema = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\x21-\x7e]+$/, "must consist of printable ASCII characters without spaces")
  .refine((id) => !id.startsWith("sqs:"), "must not begin with sqs:");

/** Far enough below 2^53 that adding the length of a batch stays exact. */
const positionSchema = z
  .string()
  .regex(/^\d{1,15}$/, "must be a whole number of at most 15 digits")
  .transform(Number);

/**
 * Reads `Relay-Producer` and `Relay-Position`. A request has both or neither.
 * @throws HttpProblem 400
 */
export function readProducer(
  id: string | undefined,
  position: string | undefined,
): { id: string; position: number } | undefined {
  if (id === undefined && position === undefined) return undefined;
  const errors: { at: string; error: string }[] = [];
  const parsedId = producerIdSchema.safeParse(id);
  const parsedPosition = positionSchema.safeParse(position);
  if (!parsedId.success) errors.push({ at: "header.relay-producer", error: issueOf(parsedId.error, id) });
  if (!parsedPosition.success)
    errors.push({ at: "header.relay-position", error: issueOf(parsedPosition.error, position) });
  if (!parsedId.success || !parsedPosition.success)
    throw new HttpProblem(
      400,
      "producer.invalid",
      "Relay-Producer and Relay-Position go together: the producer's id and the position of the first event.",
      { errors },
    );
  return { id: parsedId.data, position: parsedPosition.data };
}

function issueOf(error: z.ZodError, value: string | undefined): string {
  return value === undefined ? "is missing" : (error.issues[0]?.message ?? "is invalid");
}
