// What `zod` exports, as itself and as `z`.
import * as z from "./zodExports.mjs";

export * from "./zodExports.mjs";
export { z };
