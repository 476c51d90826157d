/** Recognizes a GET that requests a stream of events (W12). The composition of the node passes the streams in. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Grant } from "@/src/core/access/access";
import { parseLastEventId } from "@/src/core/streams/last-event-id";
import type { AppError } from "@/src/shared/errors";
import type { QueryParameters } from "@/src/shared/http/query";
import { parseDataAddress } from "@/src/shared/streams/data-path";

export interface StreamAnswerer {
  /**
   * Responds to an authorized request with a stream, and settles when it is open. An error that is thrown before the head is sent becomes a problem
   * document.
   */
  open(admitted: {
    request: IncomingMessage;
    response: ServerResponse;
    parameters: QueryParameters;
    grant: Grant;
    /** The headers of every response. */
    headers: Record<string, string>;
  }): Promise<void>;
  /** Responds with a stream that reports the error and the time of the next attempt, and ends. */
  postpone(refused: { response: ServerResponse; error: AppError; headers: Record<string, string> }): void;
}

/** True if the request names the type of server-sent events, or its address has the form `:events`. A client that accepts everything receives records. */
export function wantsEvents({ method, url = "", headers: { accept } }: Pick<IncomingMessage, "method" | "url" | "headers">): boolean {
  if (method !== "GET") return false;
  if (url.includes("events") && parseDataAddress(url)?.form === "events") return true;
  if (accept === undefined || !/event-stream/i.test(accept)) return false;
  return accept.split(",").some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return type === "text/event-stream" && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

/** True if the request resumes a stream, by header or parameter. After an error response, an `EventSource` would never reconnect. */
export function isReconnection(request: Pick<IncomingMessage, "method" | "url" | "headers">, parameters: QueryParameters): boolean {
  return wantsEvents(request) && isResumption(parameters, request.headers["last-event-id"]);
}

function isResumption(...named: Parameters<typeof parseLastEventId>): boolean {
  try {
    return parseLastEventId(...named) !== undefined;
  } catch {
    return true;
  }
}
