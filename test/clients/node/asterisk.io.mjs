import asterisk from "asterisk.io";

const { AMI_HOST = "127.0.0.1", AMI_PORT = "5038", AMI_USERNAME, AMI_SECRET } = process.env;

function connect() {
  const ami = asterisk.ami(AMI_HOST, Number(AMI_PORT), AMI_USERNAME, AMI_SECRET);
  ami.on("eventAny", (event) => console.log(JSON.stringify(event)));
  ami.on("error", (error) => {
    console.error(error.message);
    // This library does not reconnect. "close" follows every other error of the socket.
    if (error.name === "E_AMI_SOCKED_CLOSE") setTimeout(connect, 1000);
  });
}

connect();
