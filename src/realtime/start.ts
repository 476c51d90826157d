/** Where a stream begins, from what a client asked for (W9, W11, W12). It must not know the log. */
import { parseFlag } from "@/src/core/parse-flag";
import { parseCursor } from "@/src/shared/cursor";
import { AppError } from "@/src/shared/errors";
import type { Start } from "./session";

/** By the parameters `since` and `snapshot`. Raises `cursor_invalid`, `parameter_invalid`. */
export function parseStart(parameters: URLSearchParams): Start {
  const snapshot = parseFlag(parameters, "snapshot");
  const since = parameters.get("since");
  if (since === null) return { mode: "plain", snapshot };
  if (since === "now") return { mode: "now", snapshot };
  const start = toResumption(since);
  if (!snapshot) return start;
  const detail = "snapshot=true begins anew, a cursor goes on where a stream was. Leave one of them out, or use since=now.";
  throw new AppError("parameter_invalid", { detail });
}

/** The same for server-sent events: every such stream can be resumed, and a browser that connects again sends the URL as it was. */
export function parseEventStart(parameters: URLSearchParams, lastEventId: string | undefined): Start {
  if (lastEventId) return toResumption(lastEventId);
  const start = parseStart(parameters);
  return start.mode === "plain" ? { ...start, mode: "now" } : start;
}

function toResumption(text: string): Start {
  const cursor = parseCursor(text);
  if (!cursor) throw new AppError("cursor_invalid");
  return { mode: "after", cursor };
}
