import type { changeSession } from "../../functions/api/sessions.ts";

/** A person's request to the API. Sessions are numbered from 0 in order of creation. */
export type Wish =
  | { readonly create: "head" | "tail" }
  | { readonly delete: number }
  | { readonly change: number; readonly to: Parameters<typeof changeSession>[2] };
