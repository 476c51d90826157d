/** Closes the connections that Node.js forgets when a worker is killed. */
import type { Worker } from "node:cluster";

/**
 * Node.js passes a connection to a worker and closes its own copy when the worker has confirmed. If the worker is killed before, Node.js 20 to 24 keep the copy
 * open without a reader, so the client would wait until its own timeout. This closes these connections when the worker has ended.
 * It reads internal messages of `node:cluster`, because there is no public way. If they change, it does nothing.
 */
export function closeForgottenConnections(worker: Worker): void {
  const { process: child } = worker;
  /** Connections without a confirmation, by the number of their message. */
  const passed = new Map<unknown, { close(): void }>();
  child.send = new Proxy(child.send, {
    apply(send, self, values: unknown[]) {
      const [message, handle] = values;
      if (isObject(message) && message.act === "newconn" && isClosable(handle)) passed.set(message.seq, handle);
      return Reflect.apply(send, self, values);
    },
  });
  child.on("internalMessage", (message: unknown) => {
    if (isObject(message) && message.ack !== undefined) passed.delete(message.ack);
  });
  worker.once("exit", () => {
    for (const handle of passed.values()) handle.close();
    passed.clear();
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isClosable(value: unknown): value is { close(): void } {
  return isObject(value) && typeof value.close === "function";
}
