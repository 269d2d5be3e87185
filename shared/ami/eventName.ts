/** Asterisk has no longer event names. Every page stores the names of its events. */
export const MAX_EVENT_NAME_CHARACTERS = 128;

/**
 * Whether a text can name an event, in either form. DynamoDB items and SQS hints carry the names. SQS rejects a lone
 * surrogate and some control characters and noncharacters
 * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).
 */
export function isEventName(text: string): boolean {
  return text !== "" && text.length <= MAX_EVENT_NAME_CHARACTERS && !/[\p{C}\p{Z}]/u.test(text);
}
