import type { changeSession } from "../../functions/api/sessions.ts";

/** What somebody wants of the API. Sessions are numbered from 0 in the order of their creation. */
export type Wish =
  | { readonly create: "head" | "tail" }
  | { readonly delete: number }
  | { readonly change: number; readonly to: Parameters<typeof changeSession>[2] };
