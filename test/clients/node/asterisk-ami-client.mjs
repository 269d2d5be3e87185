import AmiClient from "asterisk-ami-client";

const { AMI_HOST = "127.0.0.1", AMI_PORT = "5038", AMI_USERNAME, AMI_SECRET } = process.env;

const client = new AmiClient({
  reconnect: true,
  maxAttemptsCount: null, // for ever
  attemptsDelay: 1000,
  keepAlive: true, // a Ping every 10 seconds
  keepAliveDelay: 10_000,
});
client.on("event", (event) => console.log(JSON.stringify(event)));
client.on("internalError", (error) => console.error(error));
await client.connect(AMI_USERNAME, AMI_SECRET, { host: AMI_HOST, port: Number(AMI_PORT) });
