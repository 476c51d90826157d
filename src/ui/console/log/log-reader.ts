/** Requests of the console's worker to the management API. A failure states whether a retry can help. */
import type { Problem } from "@/src/shared/errors";
import { INTERCEPTED, isJsonType } from "../../api/request-error";
import type { Opening } from "../../stream/stream-connection";
import { type LogPage, parseLogPage } from "../../stream/stream-message";

const RESPONSE_MS_MAX = 20_000;

export type Failure = Opening & { ok: false };
export type Result<Value> = { ok: true; value: Value } | Failure;

export interface LogReader {
  /** Reads a page of the log. `query`: the parameters. */
  readLog(query: Readonly<Record<string, string | number>>, signal?: AbortSignal): Promise<Result<LogPage>>;
  /** Requests `path` below the endpoint. `isValid` checks the form of the response; it can throw. */
  request<Value>(path: string, isValid: (value: Value) => boolean, init?: RequestInit): Promise<Result<Value>>;
}

/** `api`: the address of the endpoint, or of the project. `onDate` is called with the time of each response by the server's clock, NaN if it states none. */
export function createLogReader(
  api: string,
  onDate: (dateMs: number) => void,
  /** Of a project: the numbers of its endpoints. */
  toSource?: (endpointId: string, name?: string) => number,
): LogReader {
  /** A response that is not JSON is not from the server, and is retried. */
  async function requestText(path: string, init: RequestInit = {}): Promise<Result<string>> {
    try {
      const timeout = AbortSignal.timeout(RESPONSE_MS_MAX);
      const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
      const response = await fetch(`${api}${path}`, { ...init, cache: "no-store", signal });
      onDate(Date.parse(response.headers.get("date") ?? ""));
      const text = await response.text();
      if (!isJsonType(response.headers.get("content-type"))) return NOT_FROM_SERVER;
      return response.ok ? { ok: true, value: text } : toFailure(response.status, text);
    } catch {
      return { ok: false, retry: true, reason: "Couldn’t reach the server." };
    }
  }

  return {
    async readLog(query, signal) {
      const parameters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
      const result = await requestText(`/changes?${parameters}`, signal ? { signal } : {});
      return result.ok ? parse(() => parseLogPage(result.value, toSource)) : result;
    },
    async request<Value>(path: string, isValid: (value: Value) => boolean, init: RequestInit = {}) {
      const result = await requestText(path, init);
      if (!result.ok) return result;
      return parse(() => {
        const value: Value = JSON.parse(result.value);
        if (!isValid(value)) throw new Error("The response has an unknown form.");
        return value;
      });
    },
  };
}

/** Reads the log of a project, whose places are texts (G46). `toSource`: the numbers of its endpoints. */
export function createProjectLogReader(
  projectId: string,
  onDate: (dateMs: number) => void,
  toSource: (endpointId: string, name?: string) => number,
): LogReader {
  const reader = createLogReader(`/api/manage/projects/${projectId}`, onDate, toSource);
  return {
    ...reader,
    readLog({ time, after = time, ...query }, signal) {
      const place = after === 0 ? new Date(0).toISOString() : after;
      return reader.readLog({ ...query, ...(place === undefined ? {} : { after: place }) }, signal);
    },
  };
}

function parse<Value>(run: () => Value): Result<Value> {
  try {
    return { ok: true, value: run() };
  } catch {
    return NOT_FROM_SERVER;
  }
}

const NOT_FROM_SERVER: Result<never> = { ok: false, retry: true, reason: INTERCEPTED };

function toFailure(status: number, text: string): Failure {
  if (status === 401) return { ok: false, retry: false, reason: "Your session has ended. Sign in again.", signIn: true };
  if (status === 404) return { ok: false, retry: false, reason: "This endpoint was deleted.", isDeleted: true };
  return {
    ok: false,
    retry: status >= 500 || status === 429 || status === 408,
    reason: readDetail(text) ?? `The server responded with status ${status}.`,
  };
}

function readDetail(text: string): string | undefined {
  try {
    return (JSON.parse(text) as Partial<Problem>).detail;
  } catch {
    return undefined;
  }
}
