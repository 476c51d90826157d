/** TCP ports of this machine. It must not keep any. */
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";

export const HOST = "127.0.0.1";

/** One that nobody listens on now. */
export async function findFreePort(): Promise<number> {
  const server = net.createServer().listen(0, HOST);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Whether somebody listens on it. */
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
