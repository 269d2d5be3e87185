import type { AmiField } from "./amiMessage.ts";
import type { CallMemory } from "./callMemory.ts";
import type { EventClass } from "./eventClass.ts";
import type { JsonObject } from "./json.ts";

/** The AMI event that Manager makes of one Stasis event. */
export interface Conversion {
  readonly name: string;
  readonly eventClass: EventClass;
  readonly fields: readonly AmiField[];
}

/** Builds a channel's block, with the linked id that the call memory knows. */
export type ChannelBlock = (channel: JsonObject | undefined, prefix?: string) => AmiField[] | undefined;

/** Returns undefined when Manager sends nothing for the event. */
export type Convert = (
  event: JsonObject,
  channelBlock: ChannelBlock,
  memory: CallMemory,
) => Conversion | undefined;
