/** Wraps the route handlers of the management API (G): authentication, bodies, limits and responses. */
import type * as z from "zod/mini";
import { requireTokenAccess } from "@/src/management/accounts/token-access";
import { getRuntime, type Runtime } from "@/src/runtime/registry";
import { AppError, isAppError } from "@/src/shared/errors";
import { checkBody } from "@/src/shared/field-problems";
import { createRequestId } from "@/src/shared/http/problem";
import { SCHEMA_BYTES_MAX } from "@/src/shared/management/schemas";
import { authenticate, type Principal } from "./authenticate";
import { type ClientInfo, readClientInfo } from "./client-info";
import { createRequestTurn, type LoadKind, type RequestTurn } from "./limit-request";
import { toProblemResponse } from "./problem-response";
import { readJsonText, releaseBody } from "./read-body";
import { createCrossSiteError, isCrossSite } from "./same-origin";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
type Method = (typeof METHODS)[number];

/** Forms are small. Records have their own limit. */
const BODY_BYTES_MAX = 64 * 1024;
/** A body that contains a JSON Schema. The stored text has its own limit; here it may contain white space. */
export const SCHEMA_BODY_BYTES_MAX = BODY_BYTES_MAX + 8 * SCHEMA_BYTES_MAX;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The context of a handler of a public route. */
export interface PublicContext {
  runtime: Runtime;
  request: Request;
  url: URL;
  client: ClientInfo;
  /** The `[id]` of the path, a UUID; empty if the path has none. */
  id: string;
  /** The other parameters of the path. */
  params: Readonly<Record<string, string>>;
  /** The turn of the request among others of its account. */
  turn: RequestTurn;
}

/** The context of a handler for people who are signed in or send a management token. */
export interface ManageContext extends PublicContext, Principal {
  /**
   * Authenticates and authorizes the request again, because its rights may have changed while its body arrived (S9). Call it when the body has arrived, before
   * anything is written. Returns the principal with the rights of now. Throws what the request would fail with if it were sent now.
   */
  authorizeAgain(): Promise<Principal>;
}

type Handle<Context> = (context: Context) => Promise<Response>;
interface Handler<Context> extends Handle<Context> {
  /** The limit that applies to it. Default: `request`. */
  kind?: LoadKind;
  /** True if it reads the body and then calls {@link beginWrite} itself. */
  readsBody?: boolean;
}
/** Without its own handler, HEAD calls that of GET and drops the body. If GET opens something, HEAD needs its own. */
type Handlers<Context> = Partial<Record<Method | "HEAD", Handler<Context>>>;
type PathParams = Record<string, string | string[] | undefined>;
/** The function that Next.js calls. `params` is undefined for a path without parameters, although the types of Next.js deny it. */
type Route = (request: Request, context: { params: Promise<PathParams | undefined> }) => Promise<Response>;
export type Routes = Record<Method | "HEAD" | "OPTIONS", Route>;

/** Creates the exports of a route file for people who are signed in. Methods without a handler respond with 405. */
export function manageRoute(handlers: Handlers<ManageContext>): Routes {
  const admit = async (context: PublicContext) => {
    const principal = await identify(context);
    await context.turn.count({ account: principal.user.id });
    await requireAccess(context, principal);
    return { ...context, ...principal, authorizeAgain: () => authorizeAgain(context) };
  };
  // From here on, the statements of the request take turns with those of other accounts.
  return toRoutes(handlers, admit, (handle) => (context) => context.runtime.asAccount(context.user.id, () => handle(context)));
}

/**
 * Creates the exports of a route file that needs no sign-in. Cross-site requests are still refused, unless `isForAll`: then pages of every site may
 * read the response.
 */
export function publicRoute(handlers: Handlers<PublicContext>, { isForAll = false }: { isForAll?: boolean } = {}): Routes {
  return toRoutes(handlers, async (context) => {
    const { method, headers } = context.request;
    if (!isForAll && isCrossSite({ method, headers, hosts: context.client.hosts }))
      throw createCrossSiteError({ headers, hosts: context.client.hosts });
    await context.turn.count(context.client);
    return context;
  });
}

/** {@link authenticate}, in a turn of the client's address. Failures count against the address, which limits attempts to guess tokens. */
async function identify(context: PublicContext): Promise<Principal> {
  const { runtime, request, client, turn } = context;
  const leave = await runtime.managementLimits.enter("identify", client, request.signal);
  try {
    return await authenticate(context);
  } catch (error) {
    if (isAppError(error) && error.entry.status < 500) await turn.count(client);
    throw error;
  } finally {
    leave();
  }
}

async function authorizeAgain(context: PublicContext): Promise<Principal> {
  const principal = await authenticate(context);
  await requireAccess(context, principal);
  return principal;
}

/** Throws unless the principal may send the request. A session may send all. */
async function requireAccess({ runtime: { db }, request: { method }, url, id }: PublicContext, { access }: Principal): Promise<void> {
  const path = url.pathname.replace(/^\/api\/manage\/|\/$/g, "");
  if (access) await requireTokenAccess({ db, access, method, path, id: UUID.test(id) ? id : "" });
}

/** Waits for the request's turn after its body has arrived, and authorizes it again (S9): rights can change during both. Returns the context with the rights of now. */
export async function beginWrite<Context extends PublicContext>(context: Context): Promise<Context> {
  await context.turn.enter();
  return isManaged(context) ? { ...context, ...(await context.authorizeAgain()) } : context;
}

/** Applies another limit to the handler. */
export function withLimit<Context extends PublicContext>(kind: LoadKind, handle: Handler<Context>): Handler<Context> {
  return Object.assign((context: Context) => handle(context), { ...handle, kind });
}

/** Marks a handler that reads the body itself and calls {@link beginWrite} afterwards. */
export function readingBody<Context extends PublicContext>(handle: Handle<Context>): Handler<Context> {
  return Object.assign((context: Context) => handle(context), { readsBody: true });
}

/** Creates a handler whose body is checked by `schema`. Throws `fields_invalid` with the fields, unknown ones included (G6). `bytesMax`: default 64 KiB. */
export function withBody<Schema extends z.ZodMiniType, Context extends PublicContext>(
  schema: Schema,
  handle: (context: Context & { body: z.output<Schema>; bodyText: string }) => Promise<Response>,
  { bytesMax = () => BODY_BYTES_MAX }: { bytesMax?: (runtime: Runtime) => number } = {},
): Handler<Context> {
  return readingBody(async (context: Context) => {
    const { value, text: bodyText } = await readJsonText(context.request, bytesMax(context.runtime));
    const checked = checkBody(schema, value);
    if (!checked.ok) throw new AppError("fields_invalid", { detail: toSentence(checked.fields), fields: checked.fields });
    return handle({ ...(await beginWrite(context)), body: checked.value, bodyText });
  });
}

/** Responds with JSON. The value must not contain dates or bigints. */
export function json(body: object, status = 200): Response {
  return jsonText(JSON.stringify(body), status);
}

/** Responds with JSON text. */
export function jsonText(text: string, status = 200): Response {
  return new Response(text, { status, headers: { "Content-Type": "application/json; charset=utf-8" } });
}

/** Responds with 204. */
export function noContent(): Response {
  return new Response(null, { status: 204 });
}

function toRoutes<Context extends PublicContext>(
  handlers: Handlers<Context>,
  admit: (context: PublicContext) => Promise<Context>,
  wrap: (handle: Handler<Context>) => Handler<Context> = (handle) => handle,
): Routes {
  const allow = [...METHODS.filter((method) => handlers[method]), ...(handlers.GET ? ["HEAD"] : []), "OPTIONS"].join(", ");
  const toRoute =
    (method: Method | "HEAD"): Route =>
    async (request, { params }) => {
      const requestId = createRequestId();
      const runtime = getRuntime();
      const handle = handlers[method] ?? (method === "HEAD" ? toHead(handlers.GET) : undefined);
      const client = readClientInfo({ headers: request.headers, publicUrl: runtime.config.publicUrl });
      let caller: Parameters<RequestTurn["count"]>[0] = client;
      const turn = createRequestTurn({ limits: runtime.managementLimits, request, kind: handle?.kind ?? "request", caller: () => caller });
      try {
        if (!handle) throw new AppError("method_not_allowed", { detail: `This method is not supported here. Use one of: ${allow}.` });
        const { id, ...others } = toParams((await params) ?? {});
        const context = await admit({ runtime, request, url: new URL(request.url), client, id: id ?? "", params: others, turn });
        if (isManaged(context)) caller = { account: context.user.id };
        if (id !== undefined && !UUID.test(id)) throw new AppError("not_found");
        if (!handle.readsBody) await turn.enter();
        const response = turn.finish(await wrap(handle)(context));
        if (!response.headers.has("Cache-Control")) response.headers.set("Cache-Control", "no-store");
        response.headers.set("X-Request-Id", requestId);
        await runtime.settle();
        return response;
      } catch (error) {
        const response = turn.finish(toProblemResponse({ error, request, requestId, log: runtime.log }));
        if (response.status === 405) response.headers.set("Allow", allow);
        return response;
      } finally {
        releaseBody(request);
      }
    };
  const options: Route = async () => new Response(null, { status: 204, headers: { Allow: allow, "Cache-Control": "no-store" } });
  return {
    GET: toRoute("GET"),
    HEAD: toRoute("HEAD"),
    POST: toRoute("POST"),
    PUT: toRoute("PUT"),
    PATCH: toRoute("PATCH"),
    DELETE: toRoute("DELETE"),
    OPTIONS: options,
  };
}

/** For HEAD, Next.js would call GET and leave its body open: it neither reads nor cancels it. */
function toHead<Context>(get: Handler<Context> | undefined): Handler<Context> | undefined {
  if (!get) return undefined;
  const head = async (context: Context) => {
    const { status, headers, body } = await get(context);
    await body?.cancel();
    return new Response(null, { status, headers });
  };
  return Object.assign(head, { ...get });
}

function isManaged(context: PublicContext): context is ManageContext {
  return "authorizeAgain" in context;
}

function toParams(params: PathParams): Record<string, string> {
  const entries = Object.entries(params).map(([name, value]) => [name, Array.isArray(value) ? value.join("/") : (value ?? "")] as const);
  return Object.fromEntries(entries);
}

function toSentence(fields: Readonly<Record<string, string>>): string {
  const named = Object.entries(fields).map(([field, message]) => `${field}: ${message}`);
  return `Some fields are not valid. ${named.slice(0, 5).join(" ")}${named.length > 5 ? ` And ${named.length - 5} more.` : ""}`;
}
