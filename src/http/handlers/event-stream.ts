/** When a GET asks for changes as they come rather than for records (W12). It must not know streams: whoever composes the data plane hands it one. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Grant } from "@/src/core/access/access";
import { parseLastEventId } from "@/src/core/streams/last-event-id";
import type { AppError } from "@/src/shared/errors";
import { parseDataAddress } from "@/src/shared/streams/data-path";

export interface StreamAnswerer {
  /** Answers an admitted request with a stream; settles when that is open. What it raises before it has sent anything is answered as any failure is. */
  open(admitted: {
    request: IncomingMessage;
    response: ServerResponse;
    parameters: URLSearchParams;
    grant: Grant;
    /** Those that every answer has. */
    headers: Record<string, string>;
  }): Promise<void>;
  /** Answers with a stream that says why there is none now, and when to come again. */
  postpone(refused: { response: ServerResponse; error: AppError; headers: Record<string, string> }): void;
}

/** Whether the request names the type of server-sent events, or its address the form `:events`: a client that takes anything gets records. */
export function wantsEvents({ method, url = "", headers: { accept } }: Pick<IncomingMessage, "method" | "url" | "headers">): boolean {
  if (method !== "GET") return false;
  if (url.includes("events") && parseDataAddress(url)?.form === "events") return true;
  if (accept === undefined || !/event-stream/i.test(accept)) return false;
  return accept.split(",").some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return type === "text/event-stream" && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

/** Whether it resumes a stream, by header or parameter: an `EventSource` never connects again once it was answered with an error. */
export function isReconnection(request: Pick<IncomingMessage, "method" | "url" | "headers">, parameters: URLSearchParams): boolean {
  return wantsEvents(request) && isResumption(parameters, request.headers["last-event-id"]);
}

function isResumption(...named: Parameters<typeof parseLastEventId>): boolean {
  try {
    return parseLastEventId(...named) !== undefined;
  } catch {
    return true;
  }
}
