/** The outcome of one request to a webhook endpoint. */
export type DeliveryOutcome =
  | { readonly kind: "accepted"; readonly status: number; readonly durationMillis: number }
  | {
      readonly kind: "failed";
      /** Stable and machine-readable, e.g. `http.status`, `http.redirect`, `connection.refused`, `address.refused`. */
      readonly reason: string;
      /** A description for people, without secrets; at most 300 characters. */
      readonly detail: string;
      readonly status?: number;
      /** The wait that the endpoint asked for (429 and 503 with Retry-After). */
      readonly retryAfterMillis?: number;
      readonly durationMillis: number;
    };
