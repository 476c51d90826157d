/** Parses where a stream starts from a request (W9, W11, W12). */
import type { IncomingHttpHeaders } from "node:http";
import { parseFlag } from "@/src/core/records/parameters";
import { parseLastEventId } from "@/src/core/streams/last-event-id";
import { AppError } from "@/src/shared/errors";
import type { QueryParameters } from "@/src/shared/http/query";
import { parseCursor } from "@/src/shared/streams/cursor";
import type { Start } from "../hub/session";

/**
 * The start of a WebSocket stream: the last event id, or else the parameters `since` and `snapshot`. `headers` are those of the handshake. Throws
 * `cursor_invalid` and `parameter_invalid`.
 */
export function parseStart(parameters: QueryParameters, headers: IncomingHttpHeaders): Start {
  const lastEventId = parseLastEventId(parameters, headers["last-event-id"]);
  if (lastEventId !== undefined) return toResumption(lastEventId);
  const snapshot = parseFlag(parameters, "snapshot");
  const since = parameters.get("since");
  if (since === null) return { mode: "plain", snapshot };
  if (since === "now") return { mode: "now", snapshot };
  const start = toResumption(since);
  if (!snapshot) return start;
  const detail = "snapshot=true starts over, but a cursor resumes a stream. Omit one of them, or use since=now.";
  throw new AppError("parameter_invalid", { detail });
}

/** The start of a stream of server-sent events, which is always resumable. */
export function parseEventStart(parameters: QueryParameters, headers: IncomingHttpHeaders): Start {
  const start = parseStart(parameters, headers);
  return start.mode === "plain" ? { ...start, mode: "now" } : start;
}

function toResumption(text: string): Start {
  const cursor = parseCursor(text);
  if (!cursor) throw new AppError("cursor_invalid");
  return { mode: "after", cursor };
}
