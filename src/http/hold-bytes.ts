/** Counts the bytes that the server holds for a request (R15): large bodies, and responses until the client has read them or disconnected. */

import { toCallerPath } from "@/src/core/access/caller-path";
import { toClientAddress } from "@/src/core/access/client-network";
import type { ByteBudget, ByteHold } from "@/src/core/limits/byte-budget";
import { COUNTED_BYTES_MIN } from "@/src/core/limits/held-bytes";
import type { DataExchange } from "@/src/http/exchange";
import { onAnswered } from "@/src/http/reply/answered";

/** The bytes of a text in UTF-8; for a text that is too short to be counted, its length. */
export function toHeldLength(text: string): number {
  // A UTF-16 unit has at most three bytes in UTF-8.
  return text.length * 3 < COUNTED_BYTES_MIN ? text.length : Buffer.byteLength(text);
}

/** Counts the bytes of a response. Throws `server_busy` if they exceed the budget. Call it before the bytes are created, if possible. */
export function holdAnswer(exchange: DataExchange, bytes: number): void {
  if (bytes < COUNTED_BYTES_MIN) return;
  exchange.answerHold ??= open(exchange, exchange.held.responses);
  exchange.answerHold.add(bytes);
}

/** Counts the bytes of a response that reports a completed write, and can't be refused. Other responses are refused while the budget is exceeded. */
export function holdAnswerAnyway(exchange: DataExchange, bytes: number): void {
  if (bytes < COUNTED_BYTES_MIN) return;
  exchange.answerHold ??= open(exchange, exchange.held.responses);
  exchange.answerHold.addAnyway(bytes);
}

/** Throws `server_busy` if the caller's unread responses exceed the budget. Call it before a write whose response is larger than its body. */
export function requireAnswerRoom(exchange: DataExchange): void {
  const { responses } = exchange.held;
  if (responses.held > 0) responses.requireRoom(toHolder(exchange));
}

/** Counts a body as it arrives. Call the function with the length so far. Throws `server_busy` if it exceeds the budget. */
export function createBodyMeter(exchange: DataExchange): (length: number) => void {
  let hold: ByteHold | undefined;
  let counted = 0;
  return (length) => {
    if (length < COUNTED_BYTES_MIN) return;
    hold ??= open(exchange, exchange.held.bodies);
    hold.add(length - counted);
    counted = length;
  };
}

/** Opens a hold that is released after the response was sent, or the client disconnected. */
function open(exchange: DataExchange, budget: ByteBudget): ByteHold {
  const hold = budget.hold(toHolder(exchange), 0);
  onAnswered(exchange.response, hold.release);
  return hold;
}

/** The caller whose budget counts the bytes. */
function toHolder({ resolved, request }: DataExchange): readonly string[] {
  if (!resolved) return [];
  const { project, key } = resolved;
  return toCallerPath({ ownerId: project.ownerId, projectId: project.id, keyId: key?.id ?? null }, toClientAddress(request));
}
