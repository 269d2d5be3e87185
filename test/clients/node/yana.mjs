import util from "node:util";

util.isArray ??= Array.isArray; // yana calls it, and Node 23 removed it
const { default: AMI } = await import("yana");

const { AMI_HOST = "127.0.0.1", AMI_PORT = "5038", AMI_USERNAME, AMI_SECRET } = process.env;

const ami = new AMI({
  host: AMI_HOST,
  port: Number(AMI_PORT),
  login: AMI_USERNAME,
  password: AMI_SECRET,
  events: true,
  reconnect: true,
});
ami.on("event", (event) => console.log(JSON.stringify(event)));
ami.on("error", (error) => console.error(error));
ami.connect();
