import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { answerProblem } from "../../../shared/http/answerProblem.ts";
import { bearerAuth } from "../../../shared/http/bearerAuth.ts";
import { managementKey } from "../../support/callers.ts";

const app = new Hono();
app.onError(answerProblem({ info: () => {}, warn: () => {}, error: () => {} }));
app.use(bearerAuth(managementKey("k3y")));
app.get("/", (context) => context.text("inside"));

describe("bearerAuth", () => {
  it.each(["Bearer k3y", "bearer k3y", "BEARER k3y", "Bearer  k3y", "Bearer     k3y"])(
    "accepts %j",
    async (authorization) => {
      const response = await app.request("/", { headers: { authorization } });
      expect([response.status, await response.text()]).toEqual([200, "inside"]);
    },
  );

  it.each([
    undefined,
    "",
    "k3y",
    "Basic k3y",
    "Bearer",
    "Bearer ",
    "Bearer k3y junk",
    "Bearer k3y k3y",
    "Bearer k3y,k3y",
    "Bearer\tk3y",
    "Bearer k3y\tjunk",
    "Bearerk3y",
    "Bearer k3",
    "Bearer k3yy",
    "Bearer K3Y",
  ])("answers %j with 401 and explains the header", async (authorization) => {
    const response = await app.request(
      "/",
      authorization === undefined ? {} : { headers: { authorization } },
    );
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ status: 401, code: "key.wrong" });
  });
});
