import type { AwsClients } from "../../shared/aws/clients.ts";

/** One request to AWS as the service sees it: each retry of the SDK is a call. */
export interface AwsCall {
  readonly service: "dynamodb" | "sqs";
  /** "PutItem", "SendMessage" … */
  readonly command: string;
  /** The wire form: DynamoDB's items with their types. */
  // biome-ignore lint/suspicious/noExplicitAny: the shape differs with each command; tests read the fields that they know
  readonly input: any;
}

/** A command's result: DynamoDB's items without their types. */
export type AwsAnswer = { readonly $metadata: object } & Record<string, unknown>;

/** Sits between the SDK's retries and the service. It may perform the call or not, and may return or throw anything. */
export type Intercept = (call: AwsCall, perform: () => Promise<AwsAnswer>) => Promise<AwsAnswer>;

/** Adds `intercept` to real clients, inside their retries. The last one added is closest to the service. */
export function interceptCalls(clients: AwsClients, intercept: Intercept): void {
  for (const [service, { middlewareStack }] of [
    ["dynamodb", clients.documents],
    ["sqs", clients.sqs],
  ] as const) {
    const stack = middlewareStack as AwsClients["sqs"]["middlewareStack"];
    stack.add(
      (next, context) => async (args) => {
        const command = String(context.commandName).replace(/Command$/, "");
        let response: unknown;
        const output = await intercept({ service, command, input: args.input }, async () => {
          const answer = await next(args);
          response = answer.response;
          return answer.output as unknown as AwsAnswer;
        });
        return { response, output: output as never };
      },
      { step: "deserialize", priority: "high" },
    );
  }
}

const TRIES = 3;

/** The SDK's own retry rules with three tries in all, but without pauses and without a retry budget across calls. */
export function retryAtOnce(clients: AwsClients): void {
  const token = (count: number) => ({ getRetryCount: () => count, getRetryDelay: () => 0 });
  const strategy = {
    mode: "at once",
    acquireInitialRetryToken: async () => token(0),
    refreshRetryTokenForRetry: async (
      { getRetryCount }: { getRetryCount(): number },
      { errorType, error }: { errorType: string; error?: unknown },
    ) => {
      if (errorType === "CLIENT_ERROR" || getRetryCount() + 1 >= TRIES) throw error;
      return token(getRetryCount() + 1);
    },
    recordSuccess: () => {},
  };
  for (const { config } of [clients.documents, clients.sqs])
    Object.assign(config, { retryStrategy: async () => strategy, maxAttempts: async () => TRIES });
}
