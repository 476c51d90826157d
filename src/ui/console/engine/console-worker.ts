/** The worker that runs the console's engine and connects it to the network and the page. */
import type { Problem } from "@/src/shared/errors";
import type { EndpointDetail, IssuedTicket } from "@/src/shared/management/schemas";
import { UnsupportedPatternError } from "@/src/shared/text/translate-pattern";
import { INTERCEPTED, isJsonType } from "../../api/request-error";
import { BROWSER_PORTS } from "../../stream/browser-ports";
import { type Opening, StreamConnection } from "../../stream/stream-connection";
import { type LogPage, parseLogPage } from "../../stream/stream-message";
import { exportChanges } from "../export/export-changes";
import { ConsoleEngine, LIMITS } from "./console-engine";
import type { FromWorker, PreviousVersion, ToWorker } from "./console-messages";
import { type EventFilter, toExpression } from "./event-filter";
import { type CompilePattern, hasPattern } from "./match-expression";

const FIRST_PAGE = 200;
const OLDER_PAGE = 500;
const RESPONSE_MS_MAX = 20_000;

declare const self: DedicatedWorkerGlobalScope;

const post = (message: FromWorker) => self.postMessage(message);

function open({ endpointId, origin, filter, limits = LIMITS }: ToWorker & { type: "open" }): (message: ToWorker) => void {
  const engine = new ConsoleEngine({ limits, filter, nowMs: () => Date.now() });
  const api = `/api/manage/endpoints/${endpointId}`;
  let pageIsReady = true;
  let isDirty = true;
  let wasLive = false;
  const stoppedExports = new Set<number>();

  const flush = () => {
    if (!pageIsReady || !isDirty) return;
    pageIsReady = false;
    isDirty = false;
    post(engine.flush());
  };
  const touch = () => {
    isDirty = true;
    flush();
  };

  let newestFilter = filter;
  /** The page may have changed the filter again while the module for regular expressions was loading. */
  const applyFilter = async (next: EventFilter, anchor: number | undefined) => {
    newestFilter = next;
    try {
      const compile = needsPatterns(next) ? await loadPatterns() : undefined;
      if (newestFilter === next) engine.setFilter(next, anchor, compile);
    } catch (error) {
      if (newestFilter === next) engine.rejectFilter(toPatternProblem(error));
    }
    touch();
  };
  if (needsPatterns(filter)) void applyFilter(filter, undefined);

  const connection = new StreamConnection({
    ...BROWSER_PORTS,
    prepare: () => prepare(engine, api, origin, wasLive),
    onState: (state) => {
      if (state.state === "live") wasLive = true;
      engine.setConnection(state);
      touch();
    },
    onMessage: (text) => {
      const isReady = engine.receive(text);
      touch();
      return isReady;
    },
  });
  self.addEventListener("online", () => connection.retryNow());
  // The rate changes over time, even without messages.
  setInterval(touch, 1000);
  connection.start();
  touch();

  const loadOlder = async () => {
    const before = engine.oldestSeq;
    if (before === undefined || (engine.history !== "more" && engine.history !== "failed")) return;
    engine.setHistory("loading");
    touch();
    const page = await readLog(`${api}/changes?limit=${OLDER_PAGE}&before=${before}`);
    if (page.ok) engine.addOlder(page.value);
    else engine.setHistory("failed");
    touch();
  };

  return (message) => {
    switch (message.type) {
      case "open":
        return;
      case "ready":
        pageIsReady = true;
        flush();
        return;
      case "view":
        engine.setView(message.view);
        touch();
        return;
      case "filter":
        engine.setView(message.view);
        void applyFilter(message.filter, message.anchor);
        return;
      case "pause":
        engine.pause();
        touch();
        return;
      case "resume":
        engine.resume();
        touch();
        return;
      case "reconnect":
        connection.start();
        return;
      case "older":
        void loadOlder();
        return;
      case "detail":
        void sendDetail(engine, api, message.ordinal);
        return;
      case "export":
        void exportChanges(message.request, {
          matching: () => engine.matching(),
          get: (ordinal) => engine.get(ordinal)?.event,
          readPage: (before) => readLog(`${api}/changes?limit=${OLDER_PAGE}${before === undefined ? "" : `&before=${before}`}`),
          isStopped: () => stoppedExports.has(message.id),
          onState: (state) => post({ type: "exported", id: message.id, state }),
        });
        return;
      case "stop-export":
        stoppedExports.add(message.id);
        return;
      case "step":
        post({ type: "stepped", ...engine.step(message.from, message.by) });
        return;
    }
  };
}

function needsPatterns(filter: EventFilter): boolean {
  const expression = toExpression(filter);
  return expression !== undefined && hasPattern(expression);
}

/** Loaded when a filter first has a regular expression. */
async function loadPatterns(): Promise<CompilePattern> {
  return (await import("@/src/shared/text/linear-pattern")).compileLinearPattern;
}

function toPatternProblem(error: unknown): string {
  return error instanceof UnsupportedPatternError
    ? `The regular expression ${error.message}.`
    : "Couldn’t load the code for regular expressions. Change the filter to try again.";
}

/** Reads the log if that was not done yet, and requests a stream ticket. */
async function prepare(engine: ConsoleEngine, api: string, origin: string, wasLive: boolean): Promise<Opening> {
  if (engine.cursor === undefined) {
    const page = await readLog(`${api}/changes?limit=${FIRST_PAGE}`);
    if (!page.ok) return page;
    engine.begin(page.value);
  }
  if (wasLive) {
    const detail = await request(api, (body: Pick<EndpointDetail, "changeCount">) => Number.isInteger(body.changeCount));
    if (!detail.ok) return detail;
    engine.expectResume(detail.value.changeCount);
  }
  const ticket = await request(`${api}/stream-ticket`, (body: IssuedTicket) => body.path.startsWith("/"), { method: "POST" });
  if (!ticket.ok) return ticket;
  return { ok: true, url: `${origin.replace(/^http/, "ws")}${ticket.value.path}&since=${engine.cursor ?? "now"}` };
}

async function sendDetail(engine: ConsoleEngine, api: string, ordinal: number): Promise<void> {
  const found = engine.get(ordinal);
  if (!found) return post({ type: "detail", ordinal, event: undefined, previous: { state: "unknown" } });
  const { event } = found;
  if (found.previous) return post({ type: "detail", ordinal, event, previous: { state: "known", event: found.previous } });
  if (event.kind === "create") return post({ type: "detail", ordinal, event, previous: { state: "none" } });
  const page = await readLog(`${api}/changes?limit=1&recordId=${event.recordId}&before=${event.seq}`);
  const before = page.ok ? page.value.events[0] : undefined;
  const previous: PreviousVersion = before ? { state: "known", event: before } : { state: page.ok ? "none" : "unknown" };
  post({ type: "detail", ordinal, event, previous });
}

type Result<Value> = { ok: true; value: Value } | (Opening & { ok: false });

async function readLog(path: string): Promise<Result<LogPage>> {
  const result = await requestText(path);
  return result.ok ? parse(() => parseLogPage(result.value)) : result;
}

/** `isValid` checks the form of the response; it can throw. */
async function request<Value>(path: string, isValid: (value: Value) => boolean, init: RequestInit = {}): Promise<Result<Value>> {
  const result = await requestText(path, init);
  if (!result.ok) return result;
  return parse(() => {
    const value: Value = JSON.parse(result.value);
    if (!isValid(value)) throw new Error("The response has an unknown form.");
    return value;
  });
}

function parse<Value>(run: () => Value): Result<Value> {
  try {
    return { ok: true, value: run() };
  } catch {
    return NOT_FROM_SERVER;
  }
}

const NOT_FROM_SERVER: Result<never> = { ok: false, retry: true, reason: INTERCEPTED };

/** Sends a request to the server. A failure says whether a retry can help. A response that is not JSON is not from the server, and is retried. */
async function requestText(path: string, init: RequestInit = {}): Promise<Result<string>> {
  try {
    const response = await fetch(path, { ...init, cache: "no-store", signal: AbortSignal.timeout(RESPONSE_MS_MAX) });
    const text = await response.text();
    if (!isJsonType(response.headers.get("content-type"))) return NOT_FROM_SERVER;
    if (response.ok) return { ok: true, value: text };
    return toFailure(response.status, text);
  } catch {
    return { ok: false, retry: true, reason: "Couldn’t reach the server." };
  }
}

function toFailure(status: number, text: string): Result<never> {
  if (status === 401) return { ok: false, retry: false, reason: "Your session has ended. Sign in again.", signIn: true };
  if (status === 404) return { ok: false, retry: false, reason: "This endpoint was deleted." };
  return {
    ok: false,
    retry: status >= 500 || status === 429 || status === 408,
    reason: readDetail(text) ?? `The server responded with status ${status}.`,
  };
}

function readDetail(text: string): string | undefined {
  try {
    return (JSON.parse(text) as Partial<Problem>).detail;
  } catch {
    return undefined;
  }
}

let handle: ((message: ToWorker) => void) | undefined;
self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "open") handle ??= open(data);
  else handle?.(data);
};
