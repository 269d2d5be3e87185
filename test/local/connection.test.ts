import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { connectionVariables, givenEndpoints } from "../../local/connection.ts";
import { freePort } from "../../local/freePort.ts";
import { startRelay } from "../../local/relay.ts";

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

  it.each(["localhost:4566", "foo", "http://", "ftp://localhost", "http://host:99999", "//localhost:4566"])(
    "refuses the endpoint %s, names the setting, and shows what it looks like",
    (endpoint) => {
      for (const setting of ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_DYNAMODB"]) {
        const read = () => givenEndpoints({ [setting]: endpoint });
        expect(read).toThrow(new RegExp(`^${setting}: .*http://127.0.0.1:4566.*${endpoint}`));
      }
    },
  );

  it("says which setting leads to where nobody listens", async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    for (const setting of ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_DYNAMODB"])
      await expect(startRelay({ environment: { [setting]: endpoint }, port: 0 })).rejects.toThrow(
        new RegExp(`^${setting}: ${endpoint} .*nothing listens`),
      );
  });

  it("says which setting leads to what is neither DynamoDB nor SQS", async () => {
    const server = createServer((_, response) => response.end("<h1>It works</h1>")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(startRelay({ environment: { AWS_ENDPOINT_URL: endpoint }, port: 0 })).rejects.toThrow(
      new RegExp(`^AWS_ENDPOINT_URL=${endpoint} must lead to DynamoDB and SQS`),
    );
    server.closeAllConnections();
    server.close();
  });

  it("gives each embedded engine keys that nothing else knows", () => {
    const dynamodb = { accessKeyId: "key of one", secretAccessKey: "secret of one" };
    const sqs = { accessKeyId: "key of the other", secretAccessKey: "secret of the other" };
    expect(connectionVariables(own, embedded, { dynamodb, sqs })).toMatchObject({
      AWS_ACCESS_KEY_ID: "test",
      AWS_ACCESS_KEY_ID_DYNAMODB: "key of one",
      AWS_SECRET_ACCESS_KEY_SQS: "secret of the other",
    });
    const given = { ...own, AWS_ENDPOINT_URL_SQS: localStack.sqs };
    expect(connectionVariables(given, { ...embedded, ...localStack }, { dynamodb })).toMatchObject({
      ...own,
      AWS_ACCESS_KEY_ID_DYNAMODB: "key of one",
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
