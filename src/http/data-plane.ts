/** The data plane over HTTP (U, R, L, F, E): routes requests to handlers and turns errors into responses. This is the hot path. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Access } from "@/src/core/access/access";
import { type AccessRequest, toAccessRequest } from "@/src/core/access/access-request";
import type { RateLimitPolicy } from "@/src/core/access/rate-limit-policy";
import type { ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import type { Clock } from "@/src/core/clock";
import type { Files } from "@/src/core/files/files";
import type { FileTokens } from "@/src/core/files/tokens";
import type { HeldBytes } from "@/src/core/limits/held-bytes";
import type { Log } from "@/src/core/log";
import type { Emails } from "@/src/core/mail/emails";
import { andThen, isPending, type MaybePromise } from "@/src/core/maybe-promise";
import { parseFlag } from "@/src/core/records/parameters";
import type { Records } from "@/src/core/records/records";
import type { Sandbox } from "@/src/core/sandbox";
import type { UserEmails } from "@/src/core/users/user-emails";
import type { Users } from "@/src/core/users/users";
import { CountedExchange, type ExchangeParts } from "@/src/http/counted-exchange";
import { callerOf, type DataExchange, type Handler, headersOf, listHeaders } from "@/src/http/exchange";
import { createDeleteHandler, createUpdateHandler } from "@/src/http/handlers/change-record";
import { createCreateHandler } from "@/src/http/handlers/create-records";
import { isReconnection, type StreamAnswerer, wantsEvents } from "@/src/http/handlers/event-stream";
import { createReadHandler } from "@/src/http/handlers/read-records";
import { createCancelEmailHandler, createSendEmailHandler } from "@/src/http/handlers/send-email";
import { createSendFileHandler, wantsFile } from "@/src/http/handlers/send-file";
import { createShareFileHandler } from "@/src/http/handlers/share-file";
import { createUploadHandler, isForm } from "@/src/http/handlers/upload-files";
import { createUserHandlers, toAccessOperation, toUserOperation, type UserOperation } from "@/src/http/handlers/user-operations";
import { hasBody } from "@/src/http/limits";
import { countRequest } from "@/src/http/rate-limit";
import { METHODS, toPreflightHeaders } from "@/src/http/reply/cors";
import { respond } from "@/src/http/reply/respond";
import type { Drain } from "@/src/http/server/drain";
import type { SlowClients } from "@/src/http/server/slow-clients";
import { AppError, isAppError } from "@/src/shared/errors";
import { formatProblem } from "@/src/shared/http/problem";
import { parseQuery, type QueryParameters } from "@/src/shared/http/query";
import { DATA_FORMS, type DataAddress, type DataForm, parseDataAddress } from "@/src/shared/streams/data-path";

export interface DataPlaneOptions {
  access: Access;
  rateLimitPolicy: Pick<RateLimitPolicy, "count">;
  records: Records;
  users: Users;
  userEmails: UserEmails;
  files: Files;
  emails: Emails;
  fileTokens: Pick<FileTokens, "issue">;
  sandbox: Pick<Sandbox, "evaluate">;
  clock: Clock;
  /** Counts the bytes of large bodies and responses (R15). */
  held: HeldBytes;
  /** Ends uploads that arrive too slowly. Streams are excluded. */
  slowClients: Pick<SlowClients, "watchBody" | "forget">;
  /** Responds to a GET for server-sent events. Absent: such a GET reads records. */
  stream?: StreamAnswerer;
  /** Drops the rest of refused bodies. */
  drain: Drain;
  /** Counts and logs answered requests (G31, G32). */
  traffic: ExchangeParts["traffic"];
  config: { bodyBytesMax: number; bodyTimeoutMs: number; uploadTimeoutMs: number; publicUrl?: string };
  log: Pick<Log, "warn" | "error">;
}

/**
 * Serves a request whose URL is a data path. Never throws. `awaitsContinue`: the client sent `Expect: 100-continue` (the server's `checkContinue` event). It receives
 * `100 Continue` only after its request has passed the checks, so that it does not send a body that is refused.
 */
export type DataPlane = (request: IncomingMessage, response: ServerResponse, options?: DataPlaneRequest) => void;

export interface DataPlaneRequest {
  awaitsContinue?: boolean;
  /**
   * Headers of every response to this request, names and values in turn (U15). Headers that are set on the response before would be sent too, but Node.js then merges
   * them with each list of headers, which takes a quarter of the time of a refused request.
   */
  headers?: readonly string[];
}

export function createDataPlane(options: DataPlaneOptions): DataPlane {
  const plane = new Plane(options);
  return (request, response, options = NO_OPTIONS) => plane.handle(request, response, options);
}

/** The operation of a request by its method. At authentication endpoints, POST has more than one meaning (L). */
type MethodOperation = "read" | "shareFile" | "create" | "update" | "delete";

class Plane {
  readonly #access: Access;
  readonly #rateLimitPolicy: Pick<RateLimitPolicy, "count">;
  readonly #handlers: Readonly<Record<MethodOperation, Handler>>;
  readonly #emailHandlers: Readonly<Record<"read" | "create" | "delete", Handler>>;
  readonly #sendFile: Handler;
  readonly #upload: Handler;
  readonly #files: Pick<Files, "sweepSoon">;
  readonly #userHandlers: Readonly<Record<UserOperation, Handler>>;
  readonly #stream: StreamAnswerer | undefined;
  readonly #slowClients: DataPlaneOptions["slowClients"];
  readonly #parts: ExchangeParts;
  readonly #config: DataPlaneOptions["config"];
  readonly #log: DataPlaneOptions["log"];

  constructor({
    access,
    rateLimitPolicy,
    records,
    users,
    userEmails,
    files,
    emails,
    fileTokens,
    sandbox,
    clock,
    held,
    slowClients,
    stream,
    drain,
    traffic,
    config,
    log,
  }: DataPlaneOptions) {
    this.#access = access;
    this.#rateLimitPolicy = rateLimitPolicy;
    this.#handlers = {
      read: createReadHandler({ records, sandbox }),
      shareFile: createShareFileHandler({ files, fileTokens, clock, config }),
      create: createCreateHandler({ records, config }),
      update: createUpdateHandler({ records, config }),
      delete: createDeleteHandler({ records }),
    };
    this.#emailHandlers = {
      read: this.#handlers.read,
      create: createSendEmailHandler({ emails, config }),
      delete: createCancelEmailHandler({ emails, remove: this.#handlers.delete }),
    };
    this.#sendFile = createSendFileHandler({ files });
    this.#upload = createUploadHandler({ files, slowClients, config });
    this.#files = files;
    this.#userHandlers = createUserHandlers({ users, userEmails, records, clock, config, read: this.#handlers.read });
    this.#stream = stream;
    this.#slowClients = slowClients;
    this.#parts = { drain, held, traffic };
    this.#config = config;
    this.#log = log;
  }

  /**
   * Serves a request in this turn of the event loop as far as it can: where key, endpoint and token are cached, that is up to its body or its first statement. Only
   * what is waited for makes promises (docs/adr/0036-results-that-are-known-at-once.md).
   */
  handle(request: IncomingMessage, response: ServerResponse, { awaitsContinue = false, headers = NO_HEADERS }: DataPlaneRequest): void {
    const { origin } = request.headers;
    const address = parseDataAddress(request.url ?? "");
    const exchange = new CountedExchange(this.#parts, request, response, {
      awaitsContinue,
      origin: origin ? { kind: "unknown", origin } : NO_ORIGIN,
      form: address?.form,
      serverHeaders: headers,
    });
    try {
      if (!address) throw new AppError("not_found");
      const serving = this.#serve(exchange, address);
      if (isPending(serving)) serving.then(undefined, (error: unknown) => this.#refuse(exchange, error));
    } catch (error) {
      this.#refuse(exchange, error);
    }
  }

  /** Throws, or rejects with, the error to respond with. */
  #serve(exchange: DataExchange, address: DataAddress): MaybePromise<void> {
    const { request, form } = exchange;
    exchange.parameters = parseQuery(address.query);
    const operation = toOperation(request.method, exchange.parameters);
    const accessRequest = toAccessRequest({
      address,
      parameters: exchange.parameters,
      headers: request.headers,
      operation: this.#stream && (wantsEvents(request) || form === "events") ? "subscribe" : (operation ?? "read"),
      publicUrl: this.#config.publicUrl,
    });
    if (request.method === "OPTIONS") return this.#preflight(exchange, accessRequest);
    if (operation === undefined || !isMethodOf(form, request.method)) throw new AppError("method_not_allowed");
    const locate = () => this.#locate(exchange, accessRequest);
    return andThen(countRequest({ rateLimitPolicy: this.#rateLimitPolicy, exchange, accessRequest, locate }), (resolved) =>
      isAppError(resolved) ? this.#refuse(exchange, resolved) : this.#dispatch(exchange, accessRequest, resolved, operation),
    );
  }

  /** Authorizes the request, and calls the handler for the kind of the endpoint. */
  #dispatch(
    exchange: DataExchange,
    accessRequest: AccessRequest,
    resolved: ResolvedEndpoint,
    operation: MethodOperation,
  ): MaybePromise<void> {
    if (!hasForm(resolved, exchange.form)) throw new AppError("not_found");
    const stream = accessRequest.operation === "subscribe" ? this.#stream : undefined;
    if (stream)
      return andThen(this.#access.authorize(resolved, accessRequest), (grant) => {
        const { request, response, parameters } = exchange;
        this.#slowClients.forget(request.socket);
        // A response that waits behind another one is not notified when its connection closes.
        if (!response.socket) throw new AppError("request_invalid", { detail: PIPELINED });
        return stream.open({ request, response, parameters, grant, headers: headersOf(exchange) }).then(() => {
          if (response.headersSent) exchange.onHead?.(200, 0);
        });
      });
    if (resolved.endpoint.kind === "data")
      return andThen(this.#access.authorize(resolved, accessRequest), (grant) => {
        if (grant.judge) grant.judge.caller = callerOf({ exchange, grant });
        const serving = this.#choose(operation, exchange)({ exchange, access: this.#access, accessRequest, grant, resolved });
        // If the record was a file, its bytes are deleted now.
        return operation === "delete" ? andThen(serving, () => this.#files.sweepSoon()) : serving;
      });
    if (resolved.endpoint.kind === "email") return this.#dispatchEmail(exchange, accessRequest, resolved, operation);
    // Users have no files, so `fileToken` has no meaning here.
    const userOperation = toUserOperation(operation === "shareFile" ? "create" : operation, exchange.parameters);
    const userRequest = { ...accessRequest, operation: toAccessOperation(userOperation) };
    return andThen(this.#access.authorize(resolved, userRequest), (grant) => {
      if (grant.judge) grant.judge.caller = callerOf({ exchange, grant });
      return this.#userHandlers[userOperation]({ exchange, access: this.#access, accessRequest: userRequest, grant, resolved });
    });
  }

  /** E-mail endpoints have records, but neither files nor PUT. */
  #dispatchEmail(
    exchange: DataExchange,
    accessRequest: AccessRequest,
    resolved: ResolvedEndpoint,
    operation: MethodOperation,
  ): MaybePromise<void> {
    if (operation === "update") throw new AppError("method_not_allowed");
    const allowed = operation === "shareFile" ? "create" : operation;
    const emailRequest = { ...accessRequest, operation: allowed };
    return andThen(this.#access.authorize(resolved, emailRequest), (grant) =>
      this.#emailHandlers[allowed]({ exchange, access: this.#access, accessRequest: emailRequest, grant, resolved }),
    );
  }

  /** Files are records with other bodies: forms, and bytes. */
  #choose(operation: MethodOperation, { request, parameters, form }: DataExchange): Handler {
    if (operation === "create" && (form === "file" || isForm(request))) return this.#upload;
    if (operation === "read" && wantsFile(parameters)) return this.#sendFile;
    return this.#handlers[operation];
  }

  /** After the project is known, the origin decides whether a page may read the response, including errors. */
  #locate(exchange: DataExchange, accessRequest: AccessRequest): MaybePromise<ResolvedEndpoint | AppError> {
    return andThen(this.#access.resolve(accessRequest), (resolved) => {
      if (isAppError(resolved)) return resolved;
      exchange.resolved = resolved;
      if (accessRequest.origin !== undefined) {
        const echo = this.#access.echoOrigin(resolved, accessRequest);
        exchange.origin = echo ? { kind: echo.listed ? "listed" : "allowed", origin: echo.origin } : { kind: "refused" };
      }
      return resolved;
    });
  }

  /** A preflight carries the key in its URL, but no headers or cookies. Only the origin can be decided. */
  async #preflight(exchange: DataExchange, accessRequest: AccessRequest): Promise<void> {
    try {
      await this.#locate(exchange, accessRequest);
    } catch (error) {
      // On any other error, the browser must send the request itself, so that its author can read the response.
      if (!isAppError(error)) throw error;
    }
    if (exchange.origin.kind === "refused") throw new AppError("origin_not_allowed");
    const preflight = toPreflightHeaders(exchange.origin, exchange.request.headers);
    respond(exchange, { status: 204, headers: { ...headersOf(exchange), ...preflight, Allow: toAllow(exchange.form, exchange.resolved) } });
  }

  /** Responds with an error. Never throws. */
  #refuse(exchange: DataExchange, error: unknown): void {
    const { request } = exchange;
    // Most bodies arrive together with their head, and are parsed after this turn: then nothing of them is left to drop before the response ends.
    if (!request.complete && hasBody(request)) process.nextTick(() => this.#sendError(exchange, error));
    else this.#sendError(exchange, error);
  }

  #sendError(exchange: DataExchange, error: unknown): void {
    try {
      this.#fail(exchange, error);
    } catch (problem) {
      this.#log.error({ err: problem }, "a request could not be answered");
      exchange.response.destroy();
    }
  }

  #fail(exchange: DataExchange, error: unknown): void {
    const { requestId, response, form } = exchange;
    const appError = isAppError(error) ? error : new AppError("internal_error", { cause: error });
    if (!isAppError(error)) this.#log.error({ requestId, err: error }, "a request failed unexpectedly");
    else if (appError.entry.status >= 500)
      this.#log.warn({ requestId, code: appError.code, internal: appError.internal }, "a request failed");
    exchange.problem = appError;
    if (response.headersSent) {
      // Part of the response was sent. Cutting the connection shows that it is incomplete.
      response.destroy();
      return;
    }
    if (this.#stream && appError.entry.retryable && isReconnection(exchange.request, exchange.parameters)) {
      exchange.onHead?.(appError.entry.status, 0);
      this.#stream.postpone({ response, error: appError, headers: headersOf(exchange) });
      return;
    }
    const answer = formatProblem(appError, requestId);
    if (appError.code === "content_encoding_unsupported" && isForm(exchange.request)) answer.headers["Accept-Encoding"] = "identity";
    const headers = listHeaders(exchange);
    for (const name in answer.headers) headers.push(name, answer.headers[name] ?? "");
    if (appError.code === "method_not_allowed") headers.push("Allow", toAllow(form, exchange.resolved));
    respond(exchange, { status: answer.status, headers, body: answer.body, close: CUT_OFF.has(appError.code) });
  }
}

const PIPELINED = "An event stream cannot be pipelined behind another request. Open it on a separate connection.";
/** After these errors, the rest of the request is not read. */
const CUT_OFF: ReadonlySet<string> = new Set(["body_too_large", "body_timeout", "upload_invalid", "too_many_files", "file_too_large"]);
const EMAIL_METHODS = METHODS.split(", ")
  .filter((method) => method !== "PUT")
  .join(", ");
const NO_OPTIONS: DataPlaneRequest = {};
const NO_HEADERS: readonly string[] = [];
const NO_ORIGIN = { kind: "none" } as const;

function toAllow(form: DataForm | undefined, resolved?: ResolvedEndpoint): string {
  if (form !== undefined) return DATA_FORMS[form].methods;
  return resolved?.endpoint.kind === "email" ? EMAIL_METHODS : METHODS;
}

/** U17: an address with a form supports only the methods of that form. */
function isMethodOf(form: DataForm | undefined, method = ""): boolean {
  return form === undefined || toAllow(form).split(", ").includes(method);
}

/** U17: data endpoints have no logins, and authentication endpoints have no files. */
function hasForm({ endpoint }: ResolvedEndpoint, form: DataForm | undefined): boolean {
  return form === undefined || (DATA_FORMS[form].kind ?? endpoint.kind) === endpoint.kind;
}

/** Throws `parameter_invalid`. */
function toOperation(method: string | undefined, parameters: QueryParameters): MethodOperation | undefined {
  switch (method) {
    case "GET":
    case "HEAD":
      return "read";
    case "POST":
      return parseFlag(parameters, "fileToken") ? "shareFile" : "create";
    case "PUT":
      return "update";
    case "DELETE":
      return "delete";
    default:
      return undefined;
  }
}
