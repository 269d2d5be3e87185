import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { describe, expect, it } from "vitest";
import {
  AppendTimeoutError,
  FenceLostError,
  PositionConflictError,
  RelayError,
} from "../../../shared/errors.ts";
import { answerNotFound, answerProblem } from "../../../shared/http/answerProblem.ts";
import { HttpProblem } from "../../../shared/http/problem.ts";

/** Sends a request to a route that throws. Returns the response and the logged errors. */
async function answerTo(error: Error): Promise<{ response: Response; body: unknown; logged: unknown[] }> {
  const logged: unknown[] = [];
  const app = new Hono();
  app.onError(
    answerProblem({ info: () => {}, warn: () => {}, error: (_message, facts) => void logged.push(facts) }),
  );
  app.get("/", () => {
    throw error;
  });
  const response = await app.request("/");
  return { response, body: await response.json(), logged };
}

const position = { feed: "pbx", producer: "p", position: 1, expected: 5 };

describe("answerProblem", () => {
  it.each<[Error, number, string]>([
    [new HttpProblem(422, "events.refused", "no"), 422, "events.refused"],
    [new PositionConflictError(position), 409, "producer.position-conflict"],
    [new FenceLostError({ feed: "pbx", session: "s", fence: 1 }), 409, "cursor.fence-lost"],
    [new HTTPException(400, { message: "Malformed JSON" }), 400, "request.invalid"],
    [new HTTPException(415), 415, "content-type.unsupported"],
  ])("answers %s with details for the caller and logs no error", async (error, status, code) => {
    const { response, body, logged } = await answerTo(error);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(body).toMatchObject({ type: "about:blank", status, code });
    expect(logged).toEqual([]);
  });

  it.each<[string, Error]>([
    ["an append that timed out", new AppendTimeoutError({ feed: "pbx", timeoutMillis: 1 })],
    ["a retryable error", new RelayError("x.y", "secret inside", { retryable: true })],
  ])("answers %s with 503 and the time of a retry", async (_what, error) => {
    const { response, body, logged } = await answerTo(error);
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(JSON.stringify(body)).not.toContain("secret");
    expect(logged).toMatchObject([{ error }]);
  });

  it("reveals nothing about internal errors and logs them", async () => {
    const error = new TypeError("secret inside");
    const { response, body, logged } = await answerTo(error);
    expect(response.status).toBe(500);
    expect(body).toMatchObject({ code: "internal" });
    expect(JSON.stringify(body)).not.toContain("secret");
    expect(logged).toMatchObject([{ error }]);
  });
});

it("the 404 of an unknown path names the path", async () => {
  const app = new Hono().notFound(answerNotFound);
  const response = await app.request("/v2/x", { method: "PUT" });
  expect(await response.json()).toMatchObject({
    status: 404,
    code: "route.unknown",
    detail: "There is no PUT /v2/x.",
  });
});
