import type { AmiField } from "./amiMessage.ts";
import type { CallMemory } from "./callMemory.ts";
import type { EventClass } from "./eventClass.ts";
import type { JsonObject } from "./json.ts";

/** What Manager makes of one event; undefined when it makes nothing. */
export interface Conversion {
  readonly name: string;
  readonly eventClass: EventClass;
  readonly fields: readonly AmiField[];
}

/** Builds the blocks of channels, with what is remembered of their linked ids. */
export type ChannelBlock = (channel: JsonObject | undefined, prefix?: string) => AmiField[] | undefined;

export type Convert = (
  event: JsonObject,
  channelBlock: ChannelBlock,
  memory: CallMemory,
) => Conversion | undefined;
