import { expect, it } from "vitest";
import { findDynoxide } from "../../local/engines/dynoxide.ts";

it("a platform without an embedded DynamoDB is told how to install one", () => {
  const find = () => findDynoxide("darwin-arm64", "/nowhere");
  expect(find).toThrow("There is no embedded DynamoDB for darwin-arm64");
  for (const way of [
    "brew install nubo-db/tap/dynoxide",
    "npm install --global dynoxide",
    "cargo install dynoxide-rs",
    "AWS_ENDPOINT_URL_DYNAMODB",
  ])
    expect(find).toThrow(way);
});
