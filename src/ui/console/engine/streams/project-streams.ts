/**
 * The streams of a project's endpoints (ADR 54). The most active endpoints have a stream each; the others are asked for news every few seconds, and get
 * a stream when there are some. Every stream resumes from the cursor of its endpoint, so nothing is lost in between.
 */
import { parseCursor } from "@/src/shared/streams/cursor";
import { toDelayMs } from "../../../stream/reconnect-policy";
import type { ConnectionState } from "../../../stream/stream-connection";
import type { LoggedEndpoint } from "../../../stream/stream-message";
import type { Failure, LogReader } from "../../log/log-reader";
import { PAGE_NEWEST } from "../../log/log-seek";
import type { ConsoleEngine } from "../console-engine";
import type { ConsoleEndpoint } from "../console-messages";
import { EndpointStream } from "./endpoint-stream";

/** Browsers limit the sockets of all their pages together to 255. */
const STREAMS_MAX = 24;
const POLL_MS = 3_000;

interface ProjectStreamsOptions {
  engine: ConsoleEngine;
  /** Reads the log of the project. */
  log: LogReader;
  /** Reads the log of an endpoint. */
  readerOf: (source: number) => LogReader;
  endpoints: ProjectEndpoints;
  origin: string;
  /** Called once the first page of the log is in the list. */
  onBegin: () => Promise<void>;
  onChange: () => void;
  onEndpoints: (streamed: number) => void;
}

/** The endpoints of a project and their numbers, which never change. */
export class ProjectEndpoints {
  readonly list: ConsoleEndpoint[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #onName: (source: number, name: string) => void;

  constructor(onName: (source: number, name: string) => void) {
    this.#onName = onName;
  }

  /** The number of an endpoint. A new one gets the next number. */
  toSource(id: string, name?: string): number {
    const known = this.#numbers.get(id);
    const source = known ?? this.list.length;
    const endpoint = this.list[source];
    if (endpoint && (name === undefined || endpoint.name === name)) return source;
    this.list[source] = { id, name: name ?? "", isDeleted: false };
    this.#numbers.set(id, source);
    this.#onName(source, name ?? "");
    return source;
  }
}

export class ProjectStreams {
  readonly #options: ProjectStreamsOptions;
  readonly #streams = new Map<number, EndpointStream>();
  #hasBegun = false;
  #failures = 0;
  #isPolling = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #problem: ConnectionState | undefined;

  constructor(options: ProjectStreamsOptions) {
    this.#options = options;
  }

  /** Connects everything now, in any state. */
  start(): void {
    for (const stream of this.#streams.values()) if (stream.state.state !== "live") stream.start();
    void this.#poll();
  }
  retryNow(): void {
    for (const stream of this.#streams.values()) stream.retryNow();
    void this.#poll();
  }

  async #poll(): Promise<void> {
    if (this.#isPolling) return;
    this.#isPolling = true;
    clearTimeout(this.#timer);
    const { engine, log, onBegin } = this.#options;
    const page = await log.readLog({ limit: this.#hasBegun ? 1 : PAGE_NEWEST });
    this.#isPolling = false;
    if (!page.ok) return this.#fail(page);
    this.#failures = 0;
    this.#problem = undefined;
    const { endpoints = [], events } = page.value;
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      for (const { id, cursor } of endpoints) engine.setCursor(this.#options.endpoints.toSource(id), cursor);
      engine.begin(page.value);
      // Before the page selects a change of one of them.
      this.#options.onEndpoints(0);
      await onBegin();
      const recent = new Set(events.map(({ source = 0 }) => source));
      const order = [...recent, ...endpoints.map(({ id }) => this.#options.endpoints.toSource(id))];
      for (const source of new Set(order)) if (this.#streams.size < STREAMS_MAX) this.#open(source);
    } else this.#compare(endpoints);
    this.#report();
    this.#timer = setTimeout(() => void this.#poll(), POLL_MS);
  }

  /** Follows what is new: endpoints, and changes of those without a stream. */
  #compare(listed: readonly LoggedEndpoint[]): void {
    const { engine, endpoints } = this.#options;
    const present = new Set(listed.map(({ id }) => id));
    for (const [source, endpoint] of endpoints.list.entries()) {
      if (endpoint.isDeleted || present.has(endpoint.id)) continue;
      endpoints.list[source] = { ...endpoint, isDeleted: true };
      this.#close(source);
      engine.markSource(source, `The endpoint ${endpoint.name} was deleted`);
    }
    for (const { id, cursor } of listed) {
      const source = endpoints.toSource(id);
      // A stream that was ended, for example on the page of connections, is opened again.
      if (this.#streams.get(source)?.state.state === "ended") this.#close(source);
      const end = parseCursor(cursor);
      const known = parseCursor(engine.cursor(source) ?? "");
      // Everything of an endpoint that was created since is new.
      if (!known && end) engine.setCursor(source, `${end.epoch}-0`);
      const isBehind = !known || end === undefined || end.epoch !== known.epoch || end.seq > known.seq;
      if (!this.#streams.has(source) && (isBehind || this.#streams.size < STREAMS_MAX)) this.#open(source);
    }
  }

  #open(source: number): void {
    const { engine, readerOf, origin } = this.#options;
    if (this.#streams.size >= STREAMS_MAX) {
      const idle = [...this.#streams].toSorted(([, one], [, other]) => one.usedMs - other.usedMs)[0];
      if (idle) this.#close(idle[0]);
    }
    const stream = new EndpointStream({
      engine,
      source,
      reader: readerOf(source),
      origin,
      marksAll: false,
      onChange: () => this.#report(),
    });
    this.#streams.set(source, stream);
    stream.start();
  }

  #close(source: number): void {
    this.#streams.get(source)?.stop();
    this.#streams.delete(source);
  }

  #fail({ retry, reason, signIn = false, isDeleted = false }: Failure): void {
    if (!retry) {
      for (const source of [...this.#streams.keys()]) this.#close(source);
      this.#problem = { state: "ended", reason: isDeleted ? "This project was deleted." : reason, signIn };
    } else {
      this.#failures += 1;
      const waitMs = toDelayMs(this.#failures, Math.random());
      this.#problem = { state: "waiting", attempt: this.#failures + 1, retryAtMs: Date.now() + waitMs, reason };
      this.#timer = setTimeout(() => void this.#poll(), waitMs);
    }
    this.#report();
  }

  #report(): void {
    const { engine, onChange, onEndpoints } = this.#options;
    engine.showConnection(
      this.#problem ??
        toWhole(
          [...this.#streams.values()].map(({ state }) => state),
          this.#hasBegun,
        ),
    );
    onEndpoints(this.#streams.size);
    onChange();
  }
}

/** The state of all streams together: the first of those that are not live. A stream that ended is opened again by the next comparison if it is needed. */
function toWhole(states: readonly ConnectionState[], hasBegun: boolean): ConnectionState {
  if (!hasBegun) return { state: "connecting", attempt: 1 };
  const find = (wanted: ConnectionState["state"]) => states.find(({ state }) => state === wanted);
  const ended = states.find((state) => state.state === "ended" && state.signIn);
  return ended ?? find("waiting") ?? find("connecting") ?? { state: "live" };
}
