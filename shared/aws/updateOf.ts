/** The update that sets attributes. `undefined` removes an attribute. At least one must be set. */
export function updateOf(change: Readonly<Record<string, unknown>>) {
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const set: string[] = [];
  const remove: string[] = [];
  for (const [attribute, value] of Object.entries(change)) {
    names[`#${attribute}`] = attribute;
    if (value === undefined) remove.push(`#${attribute}`);
    else {
      values[`:${attribute}`] = value;
      set.push(`#${attribute} = :${attribute}`);
    }
  }
  return {
    UpdateExpression: [
      `SET ${set.join(", ")}`,
      ...(remove.length > 0 ? [`REMOVE ${remove.join(", ")}`] : []),
    ].join(" "),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  };
}
