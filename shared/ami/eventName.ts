/** Longer names of event types are no Asterisk's; they would be kept with every page. */
export const MAX_EVENT_NAME_CHARACTERS = 128;

/**
 * Whether a text can name an event, in either form. Names travel in DynamoDB items and SQS hints, which take no half of a
 * surrogate pair, and of control characters and noncharacters not all
 * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).
 */
export function isEventName(text: string): boolean {
  return text !== "" && text.length <= MAX_EVENT_NAME_CHARACTERS && !/[\p{C}\p{Z}]/u.test(text);
}
