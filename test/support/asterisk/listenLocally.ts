import type { Server } from "node:net";

/** Listens on this machine. Resolves with the port. @param port 0: any that is free */
export async function listenLocally(server: Server, port: number): Promise<number> {
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", listening);
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server has no port");
  return address.port;
}
