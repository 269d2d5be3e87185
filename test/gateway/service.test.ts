import { once } from "node:events";
import { connect as connectTls } from "node:tls";
import { generate } from "selfsigned";
import { expect, it } from "vitest";
import { runService } from "../../gateway/service.ts";
import { freePort } from "../../local/freePort.ts";
import { gatewayVariables, tables } from "../../shared/aws/resources.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { eventually } from "../support/eventually.ts";
import { ManualClock } from "../support/manualClock.ts";
import { TestRelay } from "../support/testRelay.ts";

const DAY_MILLIS = 86_400_000;

async function secretOf(name: string): Promise<string> {
  const { cert, private: key } = await generate([{ name: "commonName", value: name }]);
  return JSON.stringify({ certificate: cert, key });
}

/** The name in the certificate that a new connection is shown, and the first bytes after it. */
async function greeted(port: number): Promise<{ name: unknown; greeting: string }> {
  const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false });
  const [chunk] = await once(socket, "data");
  const name = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  return { name, greeting: String(chunk) };
}

it("the service on AWS speaks TLS, counts its connections, renews its certificate and stops when it is asked to", async () => {
  await using relay = await TestRelay.start();
  const { tableNames, clients } = relay.relay;
  const clock = new ManualClock();
  const stopping = new AbortController();
  const port = await freePort();
  const printed: string[] = [];
  const errors: string[] = [];
  const log: Log = { info: () => {}, warn: () => {}, error: (message) => void errors.push(message) };
  let secret = await secretOf("first.test");
  const running = runService({
    environment: {
      [tables.queue.variable]: tableNames.queue,
      [tables.cursors.variable]: tableNames.cursors,
      [tables.sessions.variable]: tableNames.sessions,
      [gatewayVariables.tlsPort]: String(port),
      RELAY_METRICS_NAMESPACE: "stasis-relay-test",
    },
    clients,
    clock,
    log,
    readCertificateSecret: async () => secret,
    print: (line) => void printed.push(line),
    stopping: stopping.signal,
    host: "127.0.0.1",
  });
  await eventually("a line of metrics", () => printed.length > 0);
  expect(await greeted(port)).toEqual({
    name: "first.test",
    greeting: expect.stringMatching(/^Asterisk Call Manager\/\d+\.\d+\.\d+\r\n$/),
  });
  const { _aws, ...values } = JSON.parse(printed[0] ?? "");
  expect(_aws.CloudWatchMetrics).toEqual([
    {
      Namespace: "stasis-relay-test",
      Dimensions: [["service"]],
      Metrics: [
        { Name: "GatewayConnections", Unit: "Count" },
        { Name: "GatewayCertificateDays", Unit: "Count" },
      ],
    },
  ]);
  expect(values).toMatchObject({ service: "gateway", GatewayConnections: 0 });
  expect(values.GatewayCertificateDays).toBeGreaterThan(300);

  // One that cannot be used changes nothing.
  secret = "nonsense";
  clock.pass(3_600_000);
  await eventually("the failed renewal", () => errors.length === 1);
  expect((await greeted(port)).name).toBe("first.test");
  secret = await secretOf("second.test");
  await eventually("the renewal", async () => {
    clock.pass(3_600_000);
    return (await greeted(port)).name === "second.test";
  });
  expect(errors).toEqual(["the certificate of the AMI gateway cannot be renewed; the one before is used"]);
  expect(clock.nowEpochMillis() - Date.now()).toBeLessThan(DAY_MILLIS);

  stopping.abort();
  await running;
  await expect(greeted(port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
});
