/** A proxy in front of PostgreSQL that records the statements that pass it, whatever driver sends them. */
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";

export interface StatementProxy {
  host: string;
  port: number;
  /** Returns the statements that were executed since the last call, in the order in which they passed: SQL texts, and names of prepared statements whose text is not known. */
  take(): string[];
  close(): Promise<void>;
}

/** The types of messages from clients. https://www.postgresql.org/docs/current/protocol-message-formats.html */
const [QUERY, PARSE, BIND, EXECUTE] = ["Q", "P", "B", "E"];
/** The type and the length of a message. */
const HEADER_BYTES = 5;

export async function createStatementProxy(database: { host: string; port: number }): Promise<StatementProxy> {
  let executed: string[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(database);
    const record = createRecorder((statement) => executed.push(statement));
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
    client.on("data", (chunk) => {
      record(chunk);
      upstream.write(chunk);
    });
    upstream.pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    host: "127.0.0.1",
    port,
    take: () => {
      const taken = executed;
      executed = [];
      return taken;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Takes the bytes that a client sends, and reports each statement when it is executed. */
function createRecorder(report: (statement: string) => void): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0);
  let hasStarted = false;
  let bound = "";
  const texts = new Map<string, string>();
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    // The first message has no type.
    if (!hasStarted) {
      if (pending.length < 4 || pending.length < pending.readInt32BE(0)) return;
      pending = pending.subarray(pending.readInt32BE(0));
      hasStarted = true;
    }
    while (pending.length >= HEADER_BYTES && pending.length > pending.readInt32BE(1)) {
      const type = String.fromCharCode(pending[0] ?? 0);
      const length = pending.readInt32BE(1);
      const strings = () => pending.toString("utf8", HEADER_BYTES, length + 1).split("\0");
      if (type === QUERY) report(strings()[0] ?? "");
      if (type === PARSE) texts.set(strings()[0] ?? "", strings()[1] ?? "");
      if (type === BIND) bound = texts.get(strings()[1] ?? "") ?? strings()[1] ?? "";
      if (type === EXECUTE) report(bound);
      pending = pending.subarray(length + 1);
    }
  };
}
