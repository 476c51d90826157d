/** Requests to the management API, with JSON bodies. */
import { fetchManage } from "./fetch-manage";
import { readJson } from "./request-error";
import type { SessionMode } from "./session";

export interface JsonRequest {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** An object, or the JSON text of one, whose digits stay as written. */
  body?: object | string;
  signal?: AbortSignal;
  /** Default: `wait` for GET, otherwise `ask`. */
  session?: SessionMode;
}

/**
 * Returns the body of the response; undefined for 204. `path` is relative to `/api/manage/`. Throws RequestError. The types of responses are in
 * src/shared/management/schemas.ts.
 */
export async function requestJson<Body = void>(path: string, { method = "GET", body, signal, session }: JsonRequest = {}): Promise<Body> {
  const response = await fetchManage(path, {
    method,
    ...(body === undefined
      ? {}
      : { body: typeof body === "string" ? body : JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    ...(signal === undefined ? {} : { signal }),
    ...(session === undefined ? {} : { session }),
  });
  return readJson(response);
}
