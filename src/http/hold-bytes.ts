/** Counts the bytes that a request makes the server hold (R15): large bodies and answers, until the answer was taken or the client has gone. */

import { toCallerPath } from "@/src/core/access/caller-path";
import { toClientAddress } from "@/src/core/access/client-network";
import type { ByteBudget, ByteHold } from "@/src/core/limits/byte-budget";
import { COUNTED_BYTES_MIN } from "@/src/core/limits/held-bytes";
import type { DataExchange } from "@/src/http/exchange";
import { onAnswered } from "@/src/http/reply/answered";

/** The bytes of a text's UTF-8; of one that is too short to be counted, its length. */
export function toHeldLength(text: string): number {
  // No character of a text has more than three bytes for each unit of its length.
  return text.length * 3 < COUNTED_BYTES_MIN ? text.length : Buffer.byteLength(text);
}

/** Holds an answer of so many bytes. Throws `server_busy` when it does not fit: call it before the bytes are made where that can be known. */
export function holdAnswer(exchange: DataExchange, bytes: number): void {
  if (bytes < COUNTED_BYTES_MIN) return;
  exchange.answerHold ??= open(exchange, exchange.held.responses);
  exchange.answerHold.add(bytes);
}

/** Holds an answer that can't be refused any more, since what it reports is done. Others are refused while that is more than the limits. */
export function holdAnswerAnyway(exchange: DataExchange, bytes: number): void {
  if (bytes < COUNTED_BYTES_MIN) return;
  exchange.answerHold ??= open(exchange, exchange.held.responses);
  exchange.answerHold.addAnyway(bytes);
}

/** Throws `server_busy` while the caller has more unread answers than the limits: before a write whose answer is larger than its body. */
export function requireAnswerRoom(exchange: DataExchange): void {
  const { responses } = exchange.held;
  if (responses.held > 0) responses.requireRoom(toHolder(exchange));
}

/** Counts a body as it arrives: call it with the length so far. Throws `server_busy` when it does not fit. */
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

/** A hold that is given back once the answer was handed over, or the client has gone. */
function open(exchange: DataExchange, budget: ByteBudget): ByteHold {
  const hold = budget.hold(toHolder(exchange), 0);
  onAnswered(exchange.response, hold.release);
  return hold;
}

/** On whose behalf bytes are held. */
function toHolder({ resolved, request }: DataExchange): readonly string[] {
  if (!resolved) return [];
  const { project, key } = resolved;
  return toCallerPath({ ownerId: project.ownerId, projectId: project.id, keyId: key?.id ?? null }, toClientAddress(request));
}
