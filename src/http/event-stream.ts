/** When a GET asks for changes as they come rather than for records (W12). It must not know streams: whoever composes the data plane hands it one. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Grant } from "@/src/core/access";

/** Answers an admitted request with a stream; settles when that is open. What it raises before it has sent anything is answered as a problem. */
export type StreamAnswerer = (admitted: {
  request: IncomingMessage;
  response: ServerResponse;
  parameters: URLSearchParams;
  grant: Grant;
  /** Those that every answer has. */
  headers: Record<string, string>;
}) => Promise<void>;

/** Whether the request names the type of server-sent events: whoever takes anything gets records. */
export function wantsEvents({ method, headers: { accept } }: Pick<IncomingMessage, "method" | "headers">): boolean {
  if (method !== "GET" || accept === undefined || !/event-stream/i.test(accept)) return false;
  return accept.split(",").some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return type === "text/event-stream" && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
