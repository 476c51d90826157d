/** A TCP relay that a test can cut, stall and restore, so that a database becomes unavailable for one process without affecting other tests. */
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";

export interface SeverableProxy {
  host: string;
  port: number;
  /** Closes every connection, and refuses new ones. */
  sever(): Promise<void>;
  restore(): Promise<void>;
  /** Keeps connections and accepts new ones, but relays nothing until `sever`. */
  stall(): void;
  close(): Promise<void>;
}

export async function createSeverableProxy(target: { host: string; port: number }): Promise<SeverableProxy> {
  const host = "127.0.0.1";
  const sockets = new Set<net.Socket>();
  let stalled = false;
  const server = net.createServer((near) => {
    const far = net.connect(target);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    }
    if (!stalled) near.pipe(far).pipe(near);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  const listen = async (port: number): Promise<number> => {
    server.listen(port, host);
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const sever = async (): Promise<void> => {
    const closed = server.listening ? once(server, "close") : undefined;
    server.close();
    for (const socket of sockets) socket.destroy();
    stalled = false;
    await closed;
  };
  const stall = (): void => {
    stalled = true;
    for (const socket of sockets) socket.unpipe();
  };
  const port = await listen(0);
  return { host, port, sever, restore: async () => void (await listen(port)), stall, close: sever };
}
