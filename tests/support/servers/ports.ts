/** Finds and checks TCP ports of this machine. It reserves none. */
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";

export const HOST = "127.0.0.1";

/** A port on which no process listens at the moment. */
export async function findFreePort(): Promise<number> {
  const server = net.createServer().listen(0, HOST);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Whether a process listens on the port. */
export async function canConnect(port: number): Promise<boolean> {
  const socket = net.connect(port, HOST);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
