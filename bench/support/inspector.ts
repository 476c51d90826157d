/** Controls another Node.js process through its inspector: its CPU profiler and its heap. */
import { once } from "node:events";
import { WebSocket } from "ws";
import { requestJson } from "../compare/subject";

/** https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
export interface CpuProfile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  /** The id of the node at the top of the stack, for each sample. */
  samples: number[];
  /** Microseconds since the previous sample. */
  timeDeltas: number[];
}

export interface Inspector {
  startProfile(): Promise<void>;
  stopProfile(): Promise<CpuProfile>;
  /** The bytes that JavaScript objects and what they own outside of the heap need, after a full garbage collection. */
  readLiveBytes(): Promise<number>;
  close(): void;
}

const SAMPLE_MICROS = 500;

/** `port`: the inspector's, of the option --inspect. */
export async function connectInspector(port: number): Promise<Inspector> {
  const [target] = await requestJson<{ webSocketDebuggerUrl: string }[]>(`http://127.0.0.1:${port}/json/list`);
  if (!target) throw new Error("The process has no inspector.");
  const socket = new WebSocket(target.webSocketDebuggerUrl, { perMessageDeflate: false, maxPayload: 0 });
  await once(socket, "open");
  const waiting = new Map<number, (result: unknown) => void>();
  socket.on("message", (data) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
    if (id !== undefined) waiting.get(id)?.(result);
  });
  let last = 0;
  const call = (method: string, params: object = {}) => {
    const id = ++last;
    socket.send(JSON.stringify({ id, method, params }));
    return new Promise<unknown>((resolve) => waiting.set(id, resolve));
  };
  await call("Profiler.enable");
  await call("Profiler.setSamplingInterval", { interval: SAMPLE_MICROS });
  return {
    startProfile: async () => void (await call("Profiler.start")),
    stopProfile: async () => ((await call("Profiler.stop")) as { profile: CpuProfile }).profile,
    readLiveBytes: async () => {
      // Twice, because finalizers run after the first collection.
      for (let n = 0; n < 2; n++) await call("HeapProfiler.collectGarbage");
      const expression = "(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())";
      return ((await call("Runtime.evaluate", { expression })) as { result: { value: number } }).result.value;
    },
    close: () => socket.close(),
  };
}
