/** Puts an event back into the text in which the stream sends it (W2). Pure. */
import type { ChangeType } from "@/src/shared/streams/protocol";
import type { ConsoleEvent, EventKind } from "../console/engine/event-ring";

const TYPES: Partial<Record<EventKind, ChangeType>> = { create: "POST", update: "PUT", delete: "DELETE" };

/** The message, data as stored. Undefined for marks. */
export function toMessageText({ kind, recordId, data, createdMs, updatedMs }: ConsoleEvent): string | undefined {
  const type = TYPES[kind];
  if (!type) return undefined;
  const time = (ms: number) => new Date(ms).toISOString();
  return `{"type":"${type}","record":{"uniqueId":"${recordId}","data":${data},"createdAt":"${time(createdMs)}","updatedAt":"${time(updatedMs)}"}}`;
}
