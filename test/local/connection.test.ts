import { describe, expect, it } from "vitest";
import { connectionVariables, givenEndpoints } from "../../local/connection.ts";

const embedded = { dynamodb: "http://127.0.0.1:1111", sqs: "http://127.0.0.1:2222" };
const localStack = { dynamodb: "http://localhost:4566", sqs: "http://localhost:4566" };
const own = { AWS_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "secret" };

describe("the connection to AWS", () => {
  it("prefers the per-service endpoint to the common one", () => {
    expect(givenEndpoints({})).toEqual({});
    expect(givenEndpoints({ AWS_ENDPOINT_URL: "http://a", AWS_ENDPOINT_URL_SQS: "http://b" })).toEqual({
      dynamodb: "http://a",
      sqs: "http://b",
    });
  });

  it("never passes real keys to the embedded engines", () => {
    expect(connectionVariables(own, embedded)).toEqual({
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_ENDPOINT_URL_DYNAMODB: embedded.dynamodb,
      AWS_ENDPOINT_URL_SQS: embedded.sqs,
    });
  });

  it("adds defaults for missing settings of an endpoint outside AWS", () => {
    const environment = { AWS_ENDPOINT_URL: localStack.sqs };
    expect(connectionVariables(environment, localStack)).toMatchObject({
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
    });
    expect(connectionVariables({ ...environment, ...own }, localStack)).toMatchObject(own);
  });

  it("adds no defaults for an endpoint at AWS", () => {
    const atAws = "https://sqs.eu-west-1.amazonaws.com";
    const variables = connectionVariables({ AWS_ENDPOINT_URL_SQS: atAws }, { ...embedded, sqs: atAws });
    expect(Object.keys(variables).sort()).toEqual(["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SQS"]);
  });
});
