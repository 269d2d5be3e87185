/** What became of one request to a webhook endpoint. */
export type DeliveryOutcome =
  | { readonly kind: "accepted"; readonly status: number; readonly durationMillis: number }
  | {
      readonly kind: "failed";
      /** Stable and machine-readable, e.g. `http.status`, `http.redirect`, `connection.refused`, `address.refused`. */
      readonly reason: string;
      /** For people: what happened, without secrets; at most 300 characters. */
      readonly detail: string;
      readonly status?: number;
      /** The endpoint asked not to be called earlier (429 and 503 with Retry-After). */
      readonly retryAfterMillis?: number;
      readonly durationMillis: number;
    };
