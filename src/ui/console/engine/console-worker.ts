/** The worker that runs the console's engine and connects it to the network and the page. */

import { UnsupportedPatternError } from "@/src/shared/text/translate-pattern";
import { exportChanges } from "../export/export-changes";
import type { LogPlace } from "../log/log-place";
import { createLogReader, createProjectLogReader, type Failure, type LogReader } from "../log/log-reader";
import { LogSearch } from "../log/log-search";
import { loadNewer, PAGE_NEWEST, type Sought, seek } from "../log/log-seek";
import { ConsoleEngine, LIMITS } from "./console-engine";
import type { FromWorker, PreviousVersion, ToWorker } from "./console-messages";
import { type EventFilter, hasPattern, toExpression, toQueryText } from "./event-filter";
import type { CompilePattern } from "./match-expression";
import { EndpointStream } from "./streams/endpoint-stream";
import { ProjectEndpoints, ProjectStreams } from "./streams/project-streams";

const OLDER_PAGE = 500;
/** The times of deletions are read from the log at most this often, for so many changes. */
const TIMES_MS = 1000;
const TIMES_PAGE = 500;

declare const self: DedicatedWorkerGlobalScope;

const post = (message: FromWorker) => self.postMessage(message);

function open({ scope, origin, filter, place, paused, limits = LIMITS }: ToWorker & { type: "open" }): (message: ToWorker) => void {
  const endpoints = new ProjectEndpoints((source, name) => engine.nameSource(source, name));
  const isProject = scope.kind === "project";
  const engine: ConsoleEngine = new ConsoleEngine({
    limits,
    filter,
    nowMs: () => Date.now(),
    ...(isProject
      ? { placeOf: ({ atMs, source = 0, seq }) => `${new Date(atMs).toISOString()}_${endpoints.list[source]?.id}_${seq}` }
      : {}),
  });
  const onDate = (dateMs: number) => engine.clock.noteResponse(dateMs, Date.now());
  const log = isProject
    ? createProjectLogReader(scope.projectId, onDate, (id, name) => endpoints.toSource(id, name))
    : createLogReader(`/api/manage/endpoints/${scope.endpointId}`, onDate);
  const { readLog } = log;
  const readers = new Map<number, LogReader>();
  /** Reads the log of one endpoint. */
  const readerOf = (source: number): LogReader => {
    if (!isProject) return log;
    const reader = readers.get(source) ?? createLogReader(`/api/manage/endpoints/${endpoints.list[source]?.id}`, onDate);
    readers.set(source, reader);
    return reader;
  };
  let pageIsReady = true;
  let isDirty = true;
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

  /** Called once the log was read for the first time. */
  const begin = async () => {
    if (paused) engine.pause();
    if (place) await show(place);
    else search.restart(newestFilter.dims ? undefined : toQueryText(newestFilter));
  };
  const beginEndpoint = async (): Promise<Failure | undefined> => {
    if (engine.state.cursor !== undefined) return undefined;
    const page = await readLog({ limit: PAGE_NEWEST });
    if (!page.ok) return page;
    engine.begin(page.value);
    await begin();
    return undefined;
  };
  let endpointsSent = "";
  const sendEndpoints = (streamed: number) => {
    const state = `${streamed} ${endpoints.list.map(({ name, isDeleted }) => `${name}${isDeleted}`).join(" ")}`;
    if (state !== endpointsSent) post({ type: "endpoints", endpoints: endpoints.list, streamed });
    endpointsSent = state;
  };

  const streams = isProject
    ? new ProjectStreams({ engine, log, readerOf, endpoints, origin, onBegin: begin, onChange: touch, onEndpoints: sendEndpoints })
    : new EndpointStream({ engine, source: 0, reader: log, origin, prepare: beginEndpoint, marksAll: true, onChange: touch });
  self.addEventListener("online", () => streams.retryNow());
  // The rate changes over time, even without messages.
  setInterval(touch, 1000);

  /** A seq in a project is that of one of its endpoints. Its place in the log of the project is known once it was read. */
  const seekInScope = async (to: LogPlace | { kind: "newest" }): Promise<Sought> => {
    if (!isProject || to.kind !== "seq") return seek(engine, readLog, to);
    const { seq } = to;
    const source = endpoints.list.findIndex(({ id }) => id === to.endpointId);
    if (source < 0)
      return { found: undefined, problem: "A seq belongs to one endpoint. Go to a time here, or open the console of the endpoint." };
    const page = await readerOf(source).readLog({ before: seq + 1, limit: 1 });
    const [event] = page.ok ? page.value.events : [];
    if (event?.seq !== seq) return { found: undefined, problem: page.ok ? `Change ${seq} is no longer in the log.` : page.reason };
    const before = engine.placeOf({ ...event, seq: seq - 1, source });
    return seek(engine, readLog, { ...to, source, after: String(before) });
  };

  let placesShown = 0;
  const show = async (to: LogPlace | { kind: "newest" }): Promise<void> => {
    placesShown += 1;
    const number = placesShown;
    // A search of the part that is left must not add to the next one.
    search.restart(undefined);
    const { found, problem } = await seekInScope(to);
    search.restart(newestFilter.dims ? undefined : toQueryText(newestFilter));
    touch();
    if (number === placesShown) post({ type: "sought", place: to, found, problem });
  };

  const loadOlder = async () => {
    if (!newestFilter.dims && toExpression(newestFilter) !== undefined) return search.more();
    const before = engine.state.oldest;
    if (before === undefined || (engine.state.history !== "more" && engine.state.history !== "failed")) return;
    engine.setHistory("loading");
    touch();
    const page = await readLog({ limit: OLDER_PAGE, before });
    // The list may show another part by now.
    if (engine.state.oldest !== before) return;
    if (page.ok) engine.addOlder(page.value);
    else engine.setHistory("failed");
    touch();
  };

  let timesReadMs = 0;
  /** Replaces the estimated times of visible deletions by those of the log. */
  const readTimes = () => {
    const estimated = engine.estimated;
    if (estimated.length === 0 || Date.now() - timesReadMs < TIMES_MS) return;
    timesReadMs = Date.now();
    for (const source of new Set(estimated.map((each) => each.source))) {
      const seqs = estimated.filter((each) => each.source === source).map(({ seq }) => seq);
      const newest = Math.max(...seqs);
      const limit = Math.min(TIMES_PAGE, newest - Math.min(...seqs) + 1);
      void readerOf(source)
        .readLog({ before: newest + 1, limit })
        .then((page) => {
          if (!page.ok) return;
          engine.setTimes(page.value.events.map((event) => ({ ...event, source })));
          touch();
        });
    }
  };

  streams.start();
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
        streams.start();
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
        void sendDetail(engine, readerOf, message.ordinal);
        return;
      case "export":
        void exportChanges(message.request, {
          matching: () => engine.matching(),
          get: (ordinal) => engine.get(ordinal)?.event,
          placeOf: (event) => engine.placeOf(event),
          toEndpoint: isProject ? ({ source = 0 }) => endpoints.list[source]?.name ?? "" : undefined,
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

async function sendDetail(engine: ConsoleEngine, readerOf: (source: number) => LogReader, ordinal: number): Promise<void> {
  const found = engine.get(ordinal);
  if (!found) return post({ type: "detail", ordinal, event: undefined, previous: { state: "unknown" } });
  let { event } = found;
  const source = event.source ?? 0;
  const { readLog } = readerOf(source);
  if (found.isEstimated) {
    const page = await readLog({ before: event.seq + 1, limit: 1 });
    if (page.ok) engine.setTimes(page.value.events.map((each) => ({ ...each, source })));
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
