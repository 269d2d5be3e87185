const AmiIo = require("ami-io");

const { AMI_HOST = "127.0.0.1", AMI_PORT = "5038", AMI_USERNAME, AMI_SECRET } = process.env;

const client = AmiIo.createClient({
  host: AMI_HOST,
  port: Number(AMI_PORT),
  login: AMI_USERNAME,
  password: AMI_SECRET,
  encoding: "utf8", // its own default is ASCII
  logger: new AmiIo.SilentLogger(),
});
client.on("event", ({ incomingData, variables, ...event }) => console.log(JSON.stringify(event)));
client.on("disconnected", () => {
  client.tailInput = ""; // or what a cut left of an event would be put before the answer to the next login
});
client.connect(true, 1000); // tries again every second
