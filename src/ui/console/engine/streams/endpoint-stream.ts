/** The stream of one endpoint, which the worker reads into the console's list. */
import type { EndpointDetail, IssuedTicket } from "@/src/shared/management/schemas";
import { parseCursor } from "@/src/shared/streams/cursor";
import { BROWSER_PORTS } from "../../../stream/browser-ports";
import { type ConnectionState, type Opening, StreamConnection } from "../../../stream/stream-connection";
import type { Failure, LogReader, Result } from "../../log/log-reader";
import type { ConsoleEngine } from "../console-engine";

interface EndpointStreamOptions {
  engine: ConsoleEngine;
  /** The number of the endpoint. */
  source: number;
  reader: LogReader;
  /** Of the page. */
  origin: string;
  /** Reads what has to be known before the stream is opened. A failure is that of the attempt. */
  prepare?: () => Promise<Failure | undefined>;
  /** False: an interruption in which nothing was missed gets no line. */
  marksAll: boolean;
  /** Called when the state of the connection or of the engine has changed. */
  onChange: () => void;
}

export class EndpointStream {
  readonly #options: EndpointStreamOptions;
  readonly #connection: StreamConnection;
  #wasLive = false;
  /** When the last message with changes arrived. */
  #usedMs = Date.now();

  constructor(options: EndpointStreamOptions) {
    this.#options = options;
    const { engine, source, onChange } = options;
    this.#connection = new StreamConnection({
      ...BROWSER_PORTS,
      prepare: () => this.#prepare(),
      onState: (state) => {
        if (state.state === "live") this.#wasLive = true;
        engine.setConnection(state, source);
        onChange();
        if (state.state === "ended" && !state.signIn && !state.isDeleted) void this.#checkEndpoint();
      },
      onMessage: (text) => {
        if (!text.startsWith('{"type":"BEAT"')) this.#usedMs = Date.now();
        const isReady = engine.receive(text, source);
        onChange();
        return isReady;
      },
    });
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }
  get usedMs(): number {
    return this.#usedMs;
  }

  start(): void {
    this.#connection.start();
  }
  retryNow(): void {
    this.#connection.retryNow();
  }
  stop(): void {
    this.#connection.stop();
  }

  /** Requests a ticket for the stream. */
  async #prepare(): Promise<Opening> {
    const { engine, source, reader, origin, prepare, marksAll } = this.#options;
    const failure = await prepare?.();
    if (failure) return failure;
    if (this.#wasLive) {
      const detail = await this.#readDetail();
      if (!detail.ok) return detail;
      const { changeCount } = detail.value;
      if (marksAll || changeCount > (parseCursor(engine.cursor(source) ?? "")?.seq ?? 0)) engine.expectResume(changeCount, source);
    }
    const ticket = await reader.request("/stream-ticket", (body: IssuedTicket) => body.path.startsWith("/"), { method: "POST" });
    if (!ticket.ok) return ticket;
    return { ok: true, url: `${origin.replace(/^http/, "ws")}${ticket.value.path}&since=${engine.cursor(source) ?? "now"}` };
  }

  /** A stream that the server ends can mean that its endpoint was deleted. */
  async #checkEndpoint(): Promise<void> {
    const { engine, source, onChange } = this.#options;
    const detail = await this.#readDetail();
    if (detail.ok || !detail.isDeleted || this.state.state !== "ended") return;
    engine.setConnection({ state: "ended", reason: detail.reason, signIn: false, isDeleted: true }, source);
    onChange();
  }

  #readDetail(): Promise<Result<Pick<EndpointDetail, "changeCount">>> {
    return this.#options.reader.request("", (body: Pick<EndpointDetail, "changeCount">) => Number.isInteger(body.changeCount));
  }
}
