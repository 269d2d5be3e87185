/** One AMI message of either side, with its fields in order. */
export interface ComparedMessage {
  readonly name: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

export function fieldOf(message: ComparedMessage, field: string): string | undefined {
  return message.fields.find(([name]) => name === field)?.[1];
}
