/** Asks the management API: JSON in and out, problems as RequestError. It must hold no state. */
import { readJson, readProblem, toUnreachable } from "./request-error";

export interface JsonRequest {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: object;
  signal?: AbortSignal;
}

/**
 * The answer's body; undefined for 204. `path` is below `/api/manage/`. Raises RequestError. The types of answers are those of
 * src/shared/management/schemas.ts.
 */
export async function requestJson<Answer = void>(path: string, { method = "GET", body, signal }: JsonRequest = {}): Promise<Answer> {
  const response = await fetch(`/api/manage/${path}`, {
    method,
    credentials: "same-origin",
    cache: "no-store",
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    throw error instanceof DOMException && error.name === "AbortError" ? error : toUnreachable();
  });
  if (!response.ok) throw await readProblem(response);
  return readJson(response);
}
