/** A local stand-in for one AWS service, reached through the real AWS SDK. */
export interface Engine {
  readonly endpoint: string;
  close(): Promise<void>;
}
