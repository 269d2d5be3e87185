import type { CreatedWebhookSession } from "../../client/index.ts";

/** A receiver to start from, or a request to try an endpoint with. The secret is in the environment, as it should be. */
export function receiverCode(
  language: "Node" | "Python" | "curl",
  session: Pick<CreatedWebhookSession, "id" | "feed" | "url" | "secret">,
): string {
  const port = URL.parse(session.url)?.port || "9000";
  const values: Readonly<Record<string, string>> = {
    SECRET: session.secret,
    PORT: port,
    SESSION: session.id,
    FEED: session.feed,
    // A quote would end the text that the shell reads.
    URL: session.url.replaceAll("'", "%27"),
  };
  return { Node: NODE, Python: PYTHON, curl: CURL }[language].replaceAll(
    /\b([A-Z]+)_HERE\b/g,
    (text, name: string) => values[name] ?? text,
  );
}

const NODE = `// WEBHOOK_SECRET=SECRET_HERE node receiver.mjs
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.WEBHOOK_SECRET.replace("whsec_", ""), "base64");

function isGenuine(headers, body) {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures = "" } = headers;
  const expected = createHmac("sha256", key).update(\`\${id}.\${timestamp}.\`).update(body).digest();
  return Math.abs(Date.now() / 1000 - timestamp) < 300 && signatures.split(" ").some((signature) => {
    const given = Buffer.from(signature.replace("v1,", ""), "base64");
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray());
  if (!isGenuine(request.headers, body)) return response.writeHead(401).end();
  for (const { sequence, type } of JSON.parse(body).messages) console.log(sequence, type);
  response.writeHead(204).end();
}).listen(PORT_HERE);
`;

const PYTHON = `# WEBHOOK_SECRET=SECRET_HERE python3 receiver.py
import base64, hashlib, hmac, json, os, time
from http.server import BaseHTTPRequestHandler, HTTPServer

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].replace("whsec_", ""))


def is_genuine(headers, body):
    identifier, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "0")
    signed = f"{identifier}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split(" ")
    return abs(time.time() - int(timestamp)) < 300 and any(hmac.compare_digest(each, expected) for each in given)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        genuine = is_genuine(self.headers, body)
        for message in json.loads(body)["messages"] if genuine else []:
            print(message["sequence"], message["type"], flush=True)
        self.send_response(204 if genuine else 401)
        self.end_headers()


HTTPServer(("", PORT_HERE), Receiver).serve_forever()
`;

const CURL = `# Signs a request as the relay does, and sends it to the endpoint.
SECRET='SECRET_HERE'
ID=try_1 TIME=$(date +%s)
BODY='{"feed":"FEED_HERE","session":"SESSION_HERE","epoch":1,"first":1,"last":1,"previous":0,"messages":[]}'
KEY=$(printf %s "\${SECRET#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \\n')
SIGNATURE=$(printf %s "$ID.$TIME.$BODY" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | base64)
curl -i 'URL_HERE' -H 'content-type: application/json' -H "webhook-id: $ID" \\
  -H "webhook-timestamp: $TIME" -H "webhook-signature: v1,$SIGNATURE" -d "$BODY"
`;
