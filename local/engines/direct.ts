/** What the SDK needs of a request handler. An engine's handler is called in place of HTTP. */
export interface DirectHandler {
  handle(request: DirectRequest): Promise<{ response: DirectResponse }>;
}

export interface DirectRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface DirectResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

const CONTENT_TYPE = "application/x-amz-json-1.0";

export function textOf({ body = "" }: DirectRequest): string {
  return typeof body === "string" ? body : new TextDecoder().decode(body);
}

export function directResponse(
  statusCode: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): { response: DirectResponse } {
  return {
    response: {
      statusCode,
      headers: { ...headers, "content-type": CONTENT_TYPE },
      body: Buffer.from(text),
    },
  };
}
