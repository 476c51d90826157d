/** The data plane over HTTP: routes a request to the rules and answers (U, R, E). The hot path; it must not know storage, nor hold a rule itself. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Access, Grant } from "@/src/core/access";
import { type AccessRequest, type Operation, toAccessRequest } from "@/src/core/access-request";
import type { Compiled } from "@/src/core/definitions";
import type { Log, StoredRecord } from "@/src/core/ports";
import { parsePutStrategy } from "@/src/core/put-strategy";
import { parseContentKind, parseRecordBody, type RecordBody } from "@/src/core/record-body";
import { toRecordText } from "@/src/core/record-text";
import type { Records } from "@/src/core/records";
import { METHODS, type OriginVerdict, toCorsHeaders, toPreflightHeaders } from "@/src/http/cors";
import { parseDataOnly, parseUniqueId, parseUniqueIds } from "@/src/http/parameters";
import { toProblemAnswer } from "@/src/http/problem";
import { readBody } from "@/src/http/read-body";
import { createRequestId } from "@/src/http/request-id";
import { type Exchange, respond } from "@/src/http/respond";
import { streamList } from "@/src/http/stream-list";
import { parseDataAddress } from "@/src/shared/data-path";
import { AppError, isAppError } from "@/src/shared/errors";

export interface DataPlaneOptions {
  access: Access;
  records: Records;
  /** `drainMs`: how long the rest of a refused body is read; default 5000. */
  config: { bodyBytesMax: number; bodyTimeoutMs: number; drainMs?: number };
  log: Pick<Log, "warn" | "error">;
}

/**
 * Answers a request whose URL is a data path. Never raises.
 * `awaitsContinue`: the client sent `Expect: 100-continue` and was not told to go on yet (the server's `checkContinue` event); it is told
 * only once its request has passed the checks, so that no refused body is sent.
 */
export type DataPlane = (request: IncomingMessage, response: ServerResponse, options?: { awaitsContinue?: boolean }) => void;

/** A request on its way, and what is known of it so far. */
interface DataExchange extends Exchange {
  requestId: string;
  awaitsContinue: boolean;
  parameters: URLSearchParams;
  origin: OriginVerdict;
}

export function createDataPlane(options: DataPlaneOptions): DataPlane {
  const plane = new Plane(options);
  return (request, response, { awaitsContinue = false } = {}) => {
    plane.handle(request, response, awaitsContinue).catch((error: unknown) => {
      options.log.error({ err: error }, "a request could not be answered");
      response.destroy();
    });
  };
}

class Plane {
  readonly #access: Access;
  readonly #records: Records;
  readonly #config: DataPlaneOptions["config"];
  readonly #log: DataPlaneOptions["log"];

  constructor({ access, records, config, log }: DataPlaneOptions) {
    this.#access = access;
    this.#records = records;
    this.#config = config;
    this.#log = log;
  }

  async handle(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): Promise<void> {
    const { origin } = request.headers;
    const exchange: DataExchange = {
      request,
      response,
      drainMs: this.#config.drainMs ?? DRAIN_MS,
      requestId: createRequestId(),
      awaitsContinue,
      parameters: NO_PARAMETERS,
      origin: origin ? { kind: "unknown", origin } : { kind: "none" },
    };
    try {
      const address = parseDataAddress(request.url ?? "");
      if (!address) throw new AppError("not_found");
      exchange.parameters = new URLSearchParams(address.query);
      const operation = toOperation(request.method);
      const accessRequest = toAccessRequest({
        address,
        parameters: exchange.parameters,
        headers: request.headers,
        operation: operation ?? "read",
      });
      if (request.method === "OPTIONS") await this.#preflight(exchange, accessRequest);
      else if (operation === undefined) throw new AppError("method_not_allowed");
      else {
        const site = await this.#locate(exchange, accessRequest);
        await this.#operate(exchange, operation, this.#access.admit(site, accessRequest));
      }
    } catch (error) {
      this.#fail(exchange, error);
    }
  }

  /** Once the project is known, so is whether the origin may read the answer, be it an error. */
  async #locate(exchange: DataExchange, accessRequest: AccessRequest): Promise<Compiled> {
    const site = await this.#access.locate(accessRequest);
    if (accessRequest.origin !== undefined) {
      const origin = this.#access.echoOrigin(site, accessRequest);
      exchange.origin = origin === undefined ? { kind: "refused" } : { kind: "vouched", origin };
    }
    return site;
  }

  /** A preflight carries the key in its URL, but neither headers nor cookies: only the origin can be decided. */
  async #preflight(exchange: DataExchange, accessRequest: AccessRequest): Promise<void> {
    try {
      await this.#locate(exchange, accessRequest);
    } catch (error) {
      // Whatever else is wrong, the browser shall send the request itself, and show its author our answer.
      if (!isAppError(error)) throw error;
    }
    if (exchange.origin.kind === "refused") throw new AppError("origin_not_allowed");
    respond(exchange, { status: 204, headers: { ...headersOf(exchange), ...toPreflightHeaders(exchange.origin), Allow: METHODS } });
  }

  async #operate(exchange: DataExchange, operation: Exclude<Operation, "subscribe">, grant: Grant): Promise<void> {
    const { parameters } = exchange;
    const endpointId = grant.endpoint.id;
    const dataOnly = parseDataOnly(parameters);
    switch (operation) {
      case "read":
        return this.#read(exchange, { endpointId, ids: parseUniqueIds(parameters), dataOnly });
      case "create": {
        const body = await this.#body(exchange);
        if (body) sendRecord(exchange, 201, await this.#records.create({ endpointId, body }), dataOnly);
        return;
      }
      case "update": {
        const id = parseUniqueId(parameters);
        const strategy = parsePutStrategy(parameters.get("strategy"));
        const body = await this.#body(exchange);
        if (body) sendRecord(exchange, 200, await this.#records.update({ endpointId, id, strategy, body }), dataOnly);
        return;
      }
      case "delete":
        sendRecord(exchange, 200, await this.#records.remove({ endpointId, id: parseUniqueId(parameters) }), dataOnly);
        return;
    }
  }

  async #read(exchange: DataExchange, query: { endpointId: string; ids: readonly string[] | undefined; dataOnly: boolean }): Promise<void> {
    const { ids, ...rest } = query;
    const headers = { ...headersOf(exchange), "Content-Type": JSON_TYPE };
    const pieces = ids ? this.#records.readByIds({ ...rest, ids }) : this.#records.readAll(rest);
    await streamList({ response: exchange.response, headers, pieces });
  }

  /** Undefined when the client went away before its body was complete: nothing is stored, nobody is answered. */
  async #body({ request, response, awaitsContinue }: DataExchange): Promise<RecordBody | undefined> {
    const { headers } = request;
    // Without any body there is no type to complain about.
    if (headers["transfer-encoding"] === undefined && Number(headers["content-length"] ?? 0) === 0) throw new AppError("body_empty");
    const kind = parseContentKind({ contentType: headers["content-type"], contentEncoding: headers["content-encoding"] });
    const { bodyBytesMax, bodyTimeoutMs } = this.#config;
    const reading = readBody({ request, bytesMax: bodyBytesMax, timeoutMs: bodyTimeoutMs });
    if (awaitsContinue && Number(headers["content-length"] ?? 0) <= bodyBytesMax) response.writeContinue();
    const bytes = await reading;
    return bytes && parseRecordBody({ kind, bytes });
  }

  #fail(exchange: DataExchange, error: unknown): void {
    const { requestId, response } = exchange;
    const appError = isAppError(error) ? error : new AppError("internal_error", { cause: error });
    if (!isAppError(error)) this.#log.error({ requestId, err: error }, "a request failed unexpectedly");
    else if (appError.entry.status >= 500)
      this.#log.warn({ requestId, code: appError.code, internal: appError.internal }, "a request failed");
    if (response.headersSent) {
      // Half an answer was sent: cut off, it can't be taken for a whole one.
      response.destroy();
      return;
    }
    const answer = toProblemAnswer(appError, requestId);
    respond(exchange, {
      status: answer.status,
      headers: { ...headersOf(exchange), ...answer.headers, ...(appError.code === "method_not_allowed" ? { Allow: METHODS } : {}) },
      body: answer.body,
      close: appError.code === "body_too_large" || appError.code === "body_timeout",
    });
  }
}

const DRAIN_MS = 5_000;
const NO_PARAMETERS = new URLSearchParams();
const JSON_TYPE = "application/json; charset=utf-8";

function toOperation(method: string | undefined): Exclude<Operation, "subscribe"> | undefined {
  switch (method) {
    case "GET":
    case "HEAD":
      return "read";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "DELETE":
      return "delete";
    default:
      return undefined;
  }
}

function headersOf({ requestId, origin }: DataExchange): Record<string, string> {
  return {
    ...toCorsHeaders(origin),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Request-Id": requestId,
  };
}

function sendRecord(exchange: DataExchange, status: number, record: StoredRecord, dataOnly: boolean): void {
  respond(exchange, { status, headers: { ...headersOf(exchange), "Content-Type": JSON_TYPE }, body: toRecordText(record, { dataOnly }) });
}
