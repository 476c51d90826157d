/** The network between a node and the rest, which loses packets on demand: two network namespaces, or a relay that stalls and closes connections if namespaces cannot be created. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { createSeverableProxy, type SeverableProxy } from "@/tests/support/servers/severable-proxy";

export interface Address {
  host: string;
  port: number;
}

export interface Link {
  kind: "namespaces" | "relay";
  /** The prefix of the command of a process behind the link, and the address that it listens on. */
  prefix: readonly string[];
  host: string;
  /** The address at which a process behind the link reaches a server on this side. */
  toThisSide(server: Address): Promise<Address>;
  /** The address at which this side reaches a server behind the link. */
  toFarSide(server: Address): Promise<Address>;
  /** Loses packets at random in both directions; a relay closes every connection once. */
  lose(): Promise<void>;
  /** Loses all packets, without closing connections. */
  cut(): Promise<void>;
  heal(): Promise<void>;
  close(): Promise<void>;
}

/** The share of packets lost in each direction. */
const AT_RANDOM = ["-m", "statistic", "--mode", "random", "--probability", "0.25"];

/** Uses namespaces if this process may create them and iptables is installed, otherwise a relay. */
export async function createLink(): Promise<Link> {
  try {
    return createNamespaceLink();
  } catch {
    return createRelayLink();
  }
}

/** Creates a namespace for the far side, joined to this one by a pair of virtual interfaces. Cleans up and throws if that is not permitted. */
function createNamespaceLink(): Link {
  const id = process.pid % 65_536;
  const namespace = `rested-faults-${process.pid}`;
  const [near, far] = [`rf${id}a`, `rf${id}b`];
  // Link-local addresses are private to this machine.
  const [nearHost, farHost] = [toAddress(id, 1), toAddress(id, 2)];
  const inside = ["ip", "netns", "exec", namespace];
  const filter = (action: "-A" | "-F", ...rule: string[]) => {
    for (const chain of ["INPUT", "OUTPUT"]) run([...inside, "iptables", "-w", action, chain, ...rule]);
  };
  const relays: net.Server[] = [];
  const sockets = new Set<net.Socket>();
  const remove = () => {
    for (const command of [
      ["ip", "link", "del", near],
      ["ip", "netns", "del", namespace],
    ])
      runQuietly(command);
  };
  try {
    run(["ip", "netns", "add", namespace]);
    run(["ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", namespace]);
    run(["ip", "addr", "add", `${nearHost}/30`, "dev", near]);
    run(["ip", "link", "set", near, "up"]);
    run([...inside, "ip", "addr", "add", `${farHost}/30`, "dev", far]);
    run([...inside, "ip", "link", "set", far, "up"]);
    run([...inside, "ip", "link", "set", "lo", "up"]);
    // Tried at the start, because iptables may be missing, or the kernel may not support it.
    filter("-A", ...AT_RANDOM, "-j", "DROP");
    filter("-F");
  } catch (error) {
    remove();
    throw error;
  }
  process.once("exit", remove);
  return {
    kind: "namespaces",
    prefix: inside,
    host: farHost,
    // PostgreSQL and Redis listen on the loopback interface, and each namespace has its own.
    toThisSide: async (server) => {
      const relay = net.createServer((incoming) => join(incoming, net.connect(server), sockets)).listen(0, nearHost);
      await once(relay, "listening");
      relays.push(relay);
      return { host: nearHost, port: (relay.address() as AddressInfo).port };
    },
    toFarSide: async ({ port }) => ({ host: farHost, port }),
    lose: async () => filter("-A", ...AT_RANDOM, "-j", "DROP"),
    cut: async () => filter("-A", "-j", "DROP"),
    heal: async () => filter("-F"),
    close: async () => {
      for (const relay of relays) relay.close();
      for (const socket of sockets) socket.destroy();
      process.off("exit", remove);
      remove();
    },
  };
}

function toAddress(id: number, host: number): string {
  const block = (id % 16_000) * 4 + 256;
  return `169.254.${block >> 8}.${(block & 0xff) + host}`;
}

function join(near: net.Socket, far: net.Socket, sockets: Set<net.Socket>): void {
  for (const socket of [near, far]) {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  }
  near.pipe(far).pipe(near);
  near.on("close", () => far.destroy());
  far.on("close", () => near.destroy());
}

/** Everything is in one namespace: no packets are lost, but connections close, or hang and then close. */
function createRelayLink(): Link {
  const proxies: SeverableProxy[] = [];
  const relay = async (server: Address): Promise<Address> => {
    const proxy = await createSeverableProxy(server);
    proxies.push(proxy);
    return proxy;
  };
  const breakAll = async () => {
    for (const proxy of proxies) {
      await proxy.sever();
      await proxy.restore();
    }
  };
  return {
    kind: "relay",
    prefix: [],
    host: "127.0.0.1",
    toThisSide: relay,
    toFarSide: relay,
    lose: breakAll,
    cut: async () => {
      for (const proxy of proxies) proxy.stall();
    },
    heal: breakAll,
    close: async () => {
      for (const proxy of proxies) await proxy.close();
    },
  };
}

function run([file = "", ...args]: readonly string[]): void {
  execFileSync(file, args, { stdio: ["ignore", "ignore", "pipe"] });
}

function runQuietly(command: readonly string[]): void {
  try {
    run(command);
  } catch {
    // It did not exist.
  }
}
