/** The worker that runs the console's engine: connects it with the network, timers and the page. It must hold no rule of its own. */
import type { Problem } from "@/src/shared/errors";
import type { EndpointDetail, IssuedTicket } from "@/src/shared/management/schemas";
import { ANSWERED_ELSEWHERE, isJsonType } from "../../api/request-error";
import { BROWSER_PORTS } from "../../stream/browser-ports";
import { type Opening, StreamConnection } from "../../stream/stream-connection";
import { type LogPage, parseLogPage } from "../../stream/stream-message";
import { ConsoleEngine, LIMITS } from "./console-engine";
import type { FromWorker, PreviousVersion, ToWorker } from "./console-messages";

const FIRST_PAGE = 200;
const OLDER_PAGE = 500;
const ANSWER_MS_MAX = 20_000;

declare const self: DedicatedWorkerGlobalScope;

const post = (message: FromWorker) => self.postMessage(message);

function open({ endpointId, origin, filter, limits = LIMITS }: ToWorker & { type: "open" }): (message: ToWorker) => void {
  const engine = new ConsoleEngine({ limits, filter, nowMs: () => Date.now() });
  const api = `/api/manage/endpoints/${endpointId}`;
  let pageIsReady = true;
  let isDirty = true;
  let wasLive = false;

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
  // The rate is a matter of time, not only of messages.
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
        engine.setFilter(message.filter, message.anchor);
        touch();
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
        void answerDetail(engine, api, message.ordinal);
        return;
      case "step":
        post({ type: "stepped", ...engine.step(message.from, message.by) });
        return;
    }
  };
}

/** Reads the log where that was not done yet, and gets a ticket. */
async function prepare(engine: ConsoleEngine, api: string, origin: string, wasLive: boolean): Promise<Opening> {
  if (engine.cursor === undefined) {
    const page = await readLog(`${api}/changes?limit=${FIRST_PAGE}`);
    if (!page.ok) return page;
    engine.begin(page.value);
  }
  if (wasLive) {
    const detail = await ask(api, (answer: Pick<EndpointDetail, "changeCount">) => Number.isInteger(answer.changeCount));
    if (!detail.ok) return detail;
    engine.expectResume(detail.value.changeCount);
  }
  const ticket = await ask(`${api}/stream-ticket`, (answer: IssuedTicket) => answer.path.startsWith("/"), { method: "POST" });
  if (!ticket.ok) return ticket;
  return { ok: true, url: `${origin.replace(/^http/, "ws")}${ticket.value.path}&since=${engine.cursor ?? "now"}` };
}

async function answerDetail(engine: ConsoleEngine, api: string, ordinal: number): Promise<void> {
  const found = engine.look(ordinal);
  if (!found) return post({ type: "detail", ordinal, event: undefined, previous: { state: "unknown" } });
  const { event } = found;
  if (found.previous) return post({ type: "detail", ordinal, event, previous: { state: "known", event: found.previous } });
  if (event.kind === "create") return post({ type: "detail", ordinal, event, previous: { state: "none" } });
  const page = await readLog(`${api}/changes?limit=1&recordId=${event.recordId}&before=${event.seq}`);
  const before = page.ok ? page.value.events[0] : undefined;
  const previous: PreviousVersion = before ? { state: "known", event: before } : { state: page.ok ? "none" : "unknown" };
  post({ type: "detail", ordinal, event, previous });
}

type Answer<Value> = { ok: true; value: Value } | (Opening & { ok: false });

async function readLog(path: string): Promise<Answer<LogPage>> {
  const answer = await askText(path);
  return answer.ok ? read(() => parseLogPage(answer.value)) : answer;
}

/** `isOwn`: whether the answer has the form of ours; it may throw. */
async function ask<Value>(path: string, isOwn: (value: Value) => boolean, init: RequestInit = {}): Promise<Answer<Value>> {
  const answer = await askText(path, init);
  if (!answer.ok) return answer;
  return read(() => {
    const value: Value = JSON.parse(answer.value);
    if (!isOwn(value)) throw new Error("The answer has an unknown form.");
    return value;
  });
}

function read<Value>(parse: () => Value): Answer<Value> {
  try {
    return { ok: true, value: parse() };
  } catch {
    return ELSEWHERE;
  }
}

const ELSEWHERE: Answer<never> = { ok: false, retry: true, reason: ANSWERED_ELSEWHERE };

/** Our own server. Tells refusals that stay from those that may pass; what is not JSON was not answered by the server, and may pass. */
async function askText(path: string, init: RequestInit = {}): Promise<Answer<string>> {
  try {
    const response = await fetch(path, { ...init, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    const text = await response.text();
    if (!isJsonType(response.headers.get("content-type"))) return ELSEWHERE;
    if (response.ok) return { ok: true, value: text };
    return toRefusal(response.status, text);
  } catch {
    return { ok: false, retry: true, reason: "The server can’t be reached." };
  }
}

function toRefusal(status: number, text: string): Answer<never> {
  if (status === 401) return { ok: false, retry: false, reason: "Your session has ended. Sign in again.", signIn: true };
  if (status === 404) return { ok: false, retry: false, reason: "This endpoint was deleted." };
  return {
    ok: false,
    retry: status >= 500 || status === 429 || status === 408,
    reason: readDetail(text) ?? `The server answered ${status}.`,
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
