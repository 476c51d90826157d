/** The worker that runs the console's engine and connects it to the network and the page. */

import type { EndpointDetail, IssuedTicket } from "@/src/shared/management/schemas";
import { UnsupportedPatternError } from "@/src/shared/text/translate-pattern";
import { BROWSER_PORTS } from "../../stream/browser-ports";
import { type Opening, StreamConnection } from "../../stream/stream-connection";
import { exportChanges } from "../export/export-changes";
import type { LogPlace } from "../log/log-place";
import { createLogReader, type LogReader } from "../log/log-reader";
import { LogSearch } from "../log/log-search";
import { loadNewer, PAGE_NEWEST, seek } from "../log/log-seek";
import { ConsoleEngine, LIMITS } from "./console-engine";
import type { FromWorker, PreviousVersion, ToWorker } from "./console-messages";
import { type EventFilter, hasPattern, toExpression, toQueryText } from "./event-filter";
import type { CompilePattern } from "./match-expression";

const OLDER_PAGE = 500;
/** The times of deletions are read from the log at most this often, for so many changes. */
const TIMES_MS = 1000;
const TIMES_PAGE = 500;

declare const self: DedicatedWorkerGlobalScope;

const post = (message: FromWorker) => self.postMessage(message);

function open({ endpointId, origin, filter, place, paused, limits = LIMITS }: ToWorker & { type: "open" }): (message: ToWorker) => void {
  const engine = new ConsoleEngine({ limits, filter, nowMs: () => Date.now() });
  const reader = createLogReader(`/api/manage/endpoints/${endpointId}`, (dateMs) => engine.clock.noteResponse(dateMs, Date.now()));
  const { readLog } = reader;
  let pageIsReady = true;
  let isDirty = true;
  let wasLive = false;
  const stoppedExports = new Set<number>();

  const flush = () => {
    if (!pageIsReady || !isDirty) return;
    pageIsReady = false;
    isDirty = false;
    post(engine.flush());
    readTimes();
  };
  const touch = () => {
    isDirty = true;
    flush();
  };
  const search = new LogSearch(engine, readLog, touch);

  let newestFilter = filter;
  /** The page may have changed the filter again while the module for regular expressions was loading. */
  const applyFilter = async (next: EventFilter, anchor: number | undefined) => {
    newestFilter = next;
    try {
      const compile = hasPattern(next) ? await loadPatterns() : undefined;
      if (newestFilter !== next) return;
      engine.setFilter(next, anchor, compile);
      search.restart(next.dims ? undefined : toQueryText(next));
    } catch (error) {
      if (newestFilter === next) engine.rejectFilter(toPatternProblem(error));
    }
    touch();
  };
  if (hasPattern(filter)) void applyFilter(filter, undefined);

  /** Reads the log if that was not done yet, and requests a stream ticket. */
  const prepare = async (): Promise<Opening> => {
    if (engine.state.cursor === undefined) {
      const page = await readLog({ limit: PAGE_NEWEST });
      if (!page.ok) return page;
      engine.begin(page.value);
      if (paused) engine.pause();
      if (place) await show(place);
      else search.restart(newestFilter.dims ? undefined : toQueryText(newestFilter));
    }
    if (wasLive) {
      const detail = await reader.request("", (body: Pick<EndpointDetail, "changeCount">) => Number.isInteger(body.changeCount));
      if (!detail.ok) return detail;
      engine.expectResume(detail.value.changeCount);
    }
    const ticket = await reader.request("/stream-ticket", (body: IssuedTicket) => body.path.startsWith("/"), { method: "POST" });
    if (!ticket.ok) return ticket;
    return { ok: true, url: `${origin.replace(/^http/, "ws")}${ticket.value.path}&since=${engine.state.cursor ?? "now"}` };
  };

  const connection = new StreamConnection({
    ...BROWSER_PORTS,
    prepare,
    onState: (state) => {
      if (state.state === "live") wasLive = true;
      engine.setConnection(state);
      touch();
      if (state.state === "ended" && !state.signIn && !state.isDeleted) void checkEndpoint();
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

  /** A stream that the server ends can mean that its endpoint was deleted. */
  const checkEndpoint = async () => {
    const detail = await reader.request("", (body: EndpointDetail) => typeof body.id === "string");
    if (detail.ok || !detail.isDeleted || connection.state.state !== "ended") return;
    engine.setConnection({ state: "ended", reason: detail.reason, signIn: false, isDeleted: true });
    touch();
  };

  let placesShown = 0;
  const show = async (to: LogPlace | { kind: "newest" }): Promise<void> => {
    placesShown += 1;
    const number = placesShown;
    // A search of the part that is left must not add to the next one.
    search.restart(undefined);
    const { found, problem } = await seek(engine, readLog, to);
    search.restart(newestFilter.dims ? undefined : toQueryText(newestFilter));
    touch();
    if (number === placesShown) post({ type: "sought", place: to, found, problem });
  };

  const loadOlder = async () => {
    if (!newestFilter.dims && toExpression(newestFilter) !== undefined) return search.more();
    const before = engine.state.oldestSeq;
    if (before === undefined || (engine.state.history !== "more" && engine.state.history !== "failed")) return;
    engine.setHistory("loading");
    touch();
    const page = await readLog({ limit: OLDER_PAGE, before });
    // The list may show another part by now.
    if (engine.state.oldestSeq !== before) return;
    if (page.ok) engine.addOlder(page.value);
    else engine.setHistory("failed");
    touch();
  };

  let timesReadMs = 0;
  /** Replaces the estimated times of visible deletions by those of the log. */
  const readTimes = () => {
    const seqs = engine.estimatedSeqs;
    const newest = Math.max(...seqs);
    if (seqs.length === 0 || Date.now() - timesReadMs < TIMES_MS) return;
    timesReadMs = Date.now();
    const limit = Math.min(TIMES_PAGE, newest - Math.min(...seqs) + 1);
    void readLog({ before: newest + 1, limit }).then((page) => {
      if (!page.ok) return;
      engine.setTimes(page.value.events);
      touch();
    });
  };

  connection.start();
  touch();

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
      case "span":
        engine.setSpan(message.spanMs);
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
      case "newer":
        void loadNewer(engine, readLog, touch);
        return;
      case "stop-search":
        search.stop();
        return;
      case "seek":
        void show(message.place);
        return;
      case "detail":
        void sendDetail(engine, readLog, message.ordinal);
        return;
      case "export":
        void exportChanges(message.request, {
          matching: () => engine.matching(),
          get: (ordinal) => engine.get(ordinal)?.event,
          readPage: (before) => readLog({ limit: OLDER_PAGE, ...(before === undefined ? {} : { before }) }),
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

/** Loaded when a filter first has a regular expression. */
async function loadPatterns(): Promise<CompilePattern> {
  return (await import("@/src/shared/text/linear-pattern")).compileLinearPattern;
}

function toPatternProblem(error: unknown): string {
  return error instanceof UnsupportedPatternError
    ? `The regular expression ${error.message}.`
    : "Couldn’t load the code for regular expressions. Change the filter to try again.";
}

async function sendDetail(engine: ConsoleEngine, readLog: LogReader["readLog"], ordinal: number): Promise<void> {
  const found = engine.get(ordinal);
  if (!found) return post({ type: "detail", ordinal, event: undefined, previous: { state: "unknown" } });
  let { event } = found;
  if (found.isEstimated) {
    const page = await readLog({ before: event.seq + 1, limit: 1 });
    if (page.ok) engine.setTimes(page.value.events);
    event = engine.get(ordinal)?.event ?? event;
  }
  if (found.previous) return post({ type: "detail", ordinal, event, previous: { state: "known", event: found.previous } });
  if (event.kind === "create") return post({ type: "detail", ordinal, event, previous: { state: "none" } });
  const page = await readLog({ limit: 1, recordId: event.recordId, before: event.seq });
  const before = page.ok ? page.value.events[0] : undefined;
  const previous: PreviousVersion = before ? { state: "known", event: before } : { state: page.ok ? "none" : "unknown" };
  post({ type: "detail", ordinal, event, previous });
}

let handle: ((message: ToWorker) => void) | undefined;
self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "open") handle ??= open(data);
  else handle?.(data);
};
