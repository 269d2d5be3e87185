/** Whose certificate is accepted. */
export interface TlsTrust {
  /** The CA's certificate, PEM. Node's own list is used without it. */
  readonly ca?: string;
  /** Accepts any certificate. For a PBX on the same machine only. */
  readonly insecure?: boolean;
}

/** Node's TLS options. */
export function tlsOptions({ ca, insecure = false }: TlsTrust): { ca?: string; rejectUnauthorized: boolean } {
  return { ...(ca !== undefined && { ca }), rejectUnauthorized: !insecure };
}
