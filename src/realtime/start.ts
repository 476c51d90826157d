/** Where a stream begins, from what a client asked for (W9, W12). It must not know the log. */
import { parseCursor } from "@/src/shared/cursor";
import { AppError } from "@/src/shared/errors";
import type { Start } from "./session";

/** By the parameter `since`; null: none. Raises `cursor_invalid`. */
export function toStart(since: string | null): Start {
  if (since === null) return { mode: "plain" };
  if (since === "now") return { mode: "now" };
  const cursor = parseCursor(since);
  if (!cursor) throw new AppError("cursor_invalid");
  return { mode: "after", cursor };
}
