/** Requests to the management API, with JSON bodies. */
import { readJson, readProblem, toUnreachable } from "./request-error";

export interface JsonRequest {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** An object, or the JSON text of one, whose digits stay as written. */
  body?: object | string;
  signal?: AbortSignal;
}

/**
 * Returns the body of the response; undefined for 204. `path` is relative to `/api/manage/`. Throws RequestError. The types of responses are in
 * src/shared/management/schemas.ts.
 */
export async function requestJson<Body = void>(path: string, { method = "GET", body, signal }: JsonRequest = {}): Promise<Body> {
  const response = await fetch(`/api/manage/${path}`, {
    method,
    credentials: "same-origin",
    cache: "no-store",
    ...(body === undefined
      ? {}
      : { body: typeof body === "string" ? body : JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    throw error instanceof DOMException && error.name === "AbortError" ? error : toUnreachable();
  });
  if (!response.ok) throw await readProblem(response);
  return readJson(response);
}
