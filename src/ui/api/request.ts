/** Asks the management API: JSON in and out, problems as ProblemError. It must hold no state. */
import { readProblem, toUnreachable } from "./problem-error";

export interface ApiRequest {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below `/api/manage`, with a leading slash. */
  path: string;
  body?: object;
  signal?: AbortSignal;
}

/** The answer's body; undefined for 204. Raises ProblemError. The types of answers are those of src/shared/management.ts. */
export async function requestApi<Answer = void>({ method = "GET", path, body, signal }: ApiRequest): Promise<Answer> {
  const response = await fetch(`/api/manage${path}`, {
    method,
    credentials: "same-origin",
    cache: "no-store",
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    throw error instanceof DOMException && error.name === "AbortError" ? error : toUnreachable();
  });
  if (!response.ok) throw await readProblem(response);
  const answer: Answer = response.status === 204 ? undefined : await response.json().catch(() => Promise.reject(toUnreachable()));
  return answer;
}
