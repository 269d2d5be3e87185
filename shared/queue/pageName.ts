/** Longer names of event types are no Asterisk's; they would be kept with every page. */
export const MAX_NAME_CHARACTERS = 128;

/**
 * Whether a text can be among a page's names. Names travel in DynamoDB items and SQS hints, which take no half of a
 * surrogate pair, and of control characters and noncharacters not all
 * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).
 */
export function isPageName(text: string): boolean {
  return text !== "" && text.length <= MAX_NAME_CHARACTERS && !/\p{C}/u.test(text);
}
