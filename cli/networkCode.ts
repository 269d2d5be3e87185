/** The system's code for a connection that failed, such as ECONNREFUSED; fetch hides it in the cause of the cause. */
export function networkCodeOf(error: unknown): string | undefined {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth += 1) {
    // Several addresses of one name failed, each by itself.
    const [first] = each instanceof AggregateError ? each.errors : [];
    const coded = first ?? each;
    if (
      coded instanceof Error &&
      "code" in coded &&
      typeof coded.code === "string" &&
      /^[A-Z_\d]+$/.test(coded.code)
    )
      return coded.code;
  }
  return undefined;
}
