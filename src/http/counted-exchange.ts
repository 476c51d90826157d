/** A request of the data plane that is counted when it is answered (G31). A class, so that counting needs no function of its own for each request. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import type { ByteHold } from "@/src/core/limits/byte-budget";
import type { HeldBytes } from "@/src/core/limits/held-bytes";
import type { CountedRequest, Traffic, Written } from "@/src/core/traffic/traffic";
import type { DataExchange } from "@/src/http/exchange";
import type { OriginVerdict } from "@/src/http/reply/cors";
import type { HeaderList } from "@/src/http/reply/respond";
import type { Drain } from "@/src/http/server/drain";
import type { AppError } from "@/src/shared/errors";
import { createRequestId } from "@/src/shared/http/problem";
import { parseQuery } from "@/src/shared/http/query";
import type { DataForm } from "@/src/shared/streams/data-path";

const NO_PARAMETERS = parseQuery("");

/** The parts that all requests share. */
export interface ExchangeParts {
  drain: Drain;
  held: HeldBytes;
  traffic: Pick<Traffic, "note" | "noteBytes">;
}

export class CountedExchange implements DataExchange, CountedRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly drain: Drain;
  readonly held: HeldBytes;
  readonly requestId = createRequestId();
  readonly startedAt = performance.now();
  readonly form: DataForm | undefined;
  readonly serverHeaders: readonly string[];
  readonly awaitsContinue: boolean;
  parameters = NO_PARAMETERS;
  origin: OriginVerdict;
  headers: HeaderList = [];
  resolved: ResolvedEndpoint | undefined = undefined;
  answerHold: ByteHold | undefined = undefined;
  problem: AppError | undefined = undefined;
  written: Written = undefined;
  readonly #traffic: ExchangeParts["traffic"];

  constructor(
    parts: ExchangeParts,
    request: IncomingMessage,
    response: ServerResponse,
    options: Pick<DataExchange, "form" | "origin" | "serverHeaders" | "awaitsContinue">,
  ) {
    this.request = request;
    this.response = response;
    this.drain = parts.drain;
    this.held = parts.held;
    this.form = options.form;
    this.origin = options.origin;
    this.serverHeaders = options.serverHeaders;
    this.awaitsContinue = options.awaitsContinue;
    this.#traffic = parts.traffic;
  }

  /** A preflight is not counted: the request that follows it is. */
  onHead(status: number, bytes: number): void {
    if (this.request.method !== "OPTIONS") this.#traffic.note(this, status, bytes);
  }

  onBytes(bytes: number): void {
    this.#traffic.noteBytes(this.resolved, bytes);
  }
}
