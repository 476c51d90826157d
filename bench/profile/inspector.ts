/** Controls the CPU profiler of another Node.js process through its inspector. */
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

export interface Profiler {
  start(): Promise<void>;
  stop(): Promise<CpuProfile>;
  close(): void;
}

const SAMPLE_MICROS = 500;

/** `port`: the inspector's, of the option --inspect. */
export async function connectProfiler(port: number): Promise<Profiler> {
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
    start: async () => void (await call("Profiler.start")),
    stop: async () => ((await call("Profiler.stop")) as { profile: CpuProfile }).profile,
    close: () => socket.close(),
  };
}
