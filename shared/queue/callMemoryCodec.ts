import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { type CallMemoryState, EMPTY_CALL_MEMORY } from "../ami/callMemory.ts";

/** Many times the size that `CallMemory` can reach. */
const MAX_UNPACKED_BYTES = 1024 * 1024;

/** The call memory as a page stores it; undefined when there is nothing to remember. */
export function packCallMemory(state: CallMemoryState): Uint8Array | undefined {
  const isEmpty = Object.values(state).every((list) => list.length === 0);
  if (isEmpty) return undefined;
  const text = Buffer.from(JSON.stringify(state));
  return zstdCompressSync(text, { pledgedSrcSize: text.length });
}

export function unpackCallMemory(packed: Uint8Array | undefined): CallMemoryState {
  if (packed === undefined) return EMPTY_CALL_MEMORY;
  return JSON.parse(zstdDecompressSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES }).toString("utf8"));
}
