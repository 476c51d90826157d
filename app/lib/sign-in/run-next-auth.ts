/**
 * Runs next-auth for a plain Request. Its own adapter for route handlers reads cookies and headers from Next's ambient request, and reads bodies
 * without a limit. This one uses only the request that it is given.
 */
import { parseCookie } from "cookie";
import NextAuth, { type AuthOptions } from "next-auth";
import { AppError } from "@/src/shared/errors";
import { readBytes, readJson } from "../manage/read-body";

const BODY_BYTES_MAX = 16 * 1024;

/** The part of a Node request that next-auth reads. */
interface ApiRequest {
  method: string;
  headers: Readonly<Record<string, string>>;
  cookies: Readonly<Record<string, string | undefined>>;
  query: Readonly<Record<string, string | string[]>>;
  body: Readonly<Record<string, unknown>>;
}

/** The part of a Node response that next-auth writes to. */
interface ApiResponse {
  status(code: number): ApiResponse;
  getHeader(name: string): string | string[] | undefined;
  setHeader(name: string, value: string | readonly string[]): ApiResponse;
  json(value: unknown): void;
  send(value: unknown): void;
  end(): void;
}

/** `action` is the path after `/api/auth/`, split at slashes. Throws AppError if the body is invalid. */
export async function runNextAuth({
  request,
  action,
  options,
  onBody,
}: {
  request: Request;
  action: readonly string[];
  options: AuthOptions;
  /** Called and awaited once the body has arrived. */
  onBody: () => Promise<void>;
}): Promise<{ response: Response; body: Readonly<Record<string, unknown>> }> {
  const body = request.method === "POST" ? await readForm(request) : {};
  await onBody();
  const query = { ...Object.fromEntries(new URL(request.url).searchParams), nextauth: [...action] };
  const handle: (request: ApiRequest, response: ApiResponse) => Promise<unknown> = NextAuth(options);
  const apiRequest = {
    // next-auth does not support HEAD. Next drops the body of the response.
    method: request.method === "HEAD" ? "GET" : request.method,
    headers: Object.fromEntries(request.headers),
    cookies: parseCookie(request.headers.get("cookie") ?? ""),
    query,
    body,
  };
  const collector = createCollector();
  await handle(apiRequest, collector.apiResponse);
  return { response: collector.toResponse(), body };
}

async function readForm(request: Request): Promise<Record<string, unknown>> {
  const contentType = request.headers.get("content-type") ?? "";
  if (contentType.startsWith("application/x-www-form-urlencoded")) {
    const bytes = await readBytes(request, BODY_BYTES_MAX);
    return Object.fromEntries(new URLSearchParams(new TextDecoder().decode(bytes)));
  }
  const value = await readJson(request, BODY_BYTES_MAX);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new AppError("body_invalid");
  return { ...value };
}

function createCollector(): { apiResponse: ApiResponse; toResponse: () => Response } {
  const headers = new Headers();
  let status = 200;
  let text: string | null = null;
  const apiResponse: ApiResponse = {
    status(code: number) {
      status = code;
      return apiResponse;
    },
    getHeader: (name: string) => (name.toLowerCase() === "set-cookie" ? headers.getSetCookie() : (headers.get(name) ?? undefined)),
    setHeader(name: string, value: string | readonly string[]) {
      headers.delete(name);
      for (const each of typeof value === "string" ? [value] : value) headers.append(name, each);
      return apiResponse;
    },
    json(value: unknown) {
      headers.set("Content-Type", "application/json");
      text = JSON.stringify(value);
    },
    send(value: unknown) {
      text = value === undefined || value === null ? null : typeof value === "string" ? value : JSON.stringify(value);
    },
    end: () => undefined,
  };
  return { apiResponse, toResponse: () => new Response(text, { status, headers }) };
}
