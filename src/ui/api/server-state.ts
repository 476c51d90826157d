/** Whether the server responds, as the requests of this page show it. While it does not, it is asked again until it does. */

const DELAYS_MS = [500, 1000, 2000, 4000];
const CHECK_MS_MAX = 8000;
/** The statuses of proxies that do not reach the server. */
const GATEWAY_STATUS: ReadonlySet<number> = new Set([502, 503, 504]);

let isAway = false;
let back: Promise<void> | undefined;
const listeners = new Set<() => void>();

export function isServerAway(): boolean {
  return isAway;
}

export function subscribeServer(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether a response was made by a proxy because the server did not respond to it. The server's own errors are problem documents. */
export function isFromGateway(response: Response): boolean {
  return GATEWAY_STATUS.has(response.status) && !(response.headers.get("content-type") ?? "").includes("json");
}

/** Called when a request got no response from the server. Resolves when the server responds again. */
export function untilServerIsBack(): Promise<void> {
  back ??= check();
  return back;
}

/** Checks once whether the server responds. */
async function pingServer(): Promise<boolean> {
  try {
    const response = await fetch("/api/health", { cache: "no-store", signal: AbortSignal.timeout(CHECK_MS_MAX) });
    return !isFromGateway(response);
  } catch {
    return false;
  }
}

/** Called when something else than a request hints that the server does not respond, such as the end of a stream. */
export function reportSuspicion(): void {
  void pingServer().then((responds) => {
    if (!responds) void untilServerIsBack();
  });
}

async function check(): Promise<void> {
  set(true);
  for (let attempt = 0; !(await pingServer()); attempt += 1) {
    const ms = DELAYS_MS[Math.min(attempt, DELAYS_MS.length - 1)] ?? 0;
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
  back = undefined;
  set(false);
}

function set(next: boolean): void {
  isAway = next;
  for (const listener of listeners) listener();
}
