import AsteriskManager from "asterisk-manager";

const { AMI_HOST = "127.0.0.1", AMI_PORT = "5038", AMI_USERNAME, AMI_SECRET } = process.env;

const manager = new AsteriskManager(Number(AMI_PORT), AMI_HOST, AMI_USERNAME, AMI_SECRET, true);
manager.keepConnected(); // tries again after 10 seconds, then 20 …

manager.on("managerevent", (event) => {
  // After a cut in the middle of an event, this library takes its beginning and the answer to the next login for one.
  if (event.response !== undefined && event.message === "Authentication accepted") return;
  console.log(JSON.stringify(event));
});
