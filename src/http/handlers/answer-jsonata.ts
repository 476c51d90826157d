/** `jsonata` on GET (R6): responds with the result of an expression on a list. The sandbox evaluates it. */

import type { CallerPath } from "@/src/core/access/caller-path";
import type { ByteHold } from "@/src/core/limits/byte-budget";
import type { Sandbox } from "@/src/core/sandbox";
import { type DataExchange, sendJson } from "@/src/http/exchange";
import { requireAnswerRoom, toHeldLength } from "@/src/http/hold-bytes";
import { onAnswered } from "@/src/http/reply/answered";
import type { HeaderList } from "@/src/http/reply/respond";
import { JSONATA_INPUT_BYTES_MAX } from "@/src/shared/streams/protocol";

/**
 * Evaluates the expression on the list of `pieces` (array items joined by commas) and responds with the result, or `null` if it selects nothing. The list is read when the
 * expression's turn has come, and not at all if the client disconnects before. Throws what Sandbox.evaluate throws, and `server_busy` if the list or the
 * response exceeds the budgets of held bytes.
 */
export async function answerJsonata({
  exchange,
  sandbox,
  expression,
  pieces,
  caller,
  headers = [],
}: {
  exchange: DataExchange;
  sandbox: Pick<Sandbox, "evaluate">;
  expression: string;
  pieces: AsyncIterable<string>;
  caller: CallerPath;
  /** Additional headers. */
  headers?: Readonly<HeaderList>;
}): Promise<void> {
  const { response } = exchange;
  const closed = new AbortController();
  const cancel = onAnswered(response, () => closed.abort());
  const inputHold = exchange.held.inputs.hold([], 0);
  try {
    // A caller with too many unread responses is refused before another one is computed.
    requireAnswerRoom(exchange);
    const result = await sandbox.evaluate(expression, () => collect(pieces, inputHold), { caller, signal: closed.signal });
    inputHold.release();
    if (!closed.signal.aborted) sendJson(exchange, 200, result ?? "null", headers);
  } catch (error) {
    if (!closed.signal.aborted) throw error;
  } finally {
    inputHold.release();
    cancel();
  }
}

/** Reads a list that is too long only up to the limit. The sandbox refuses it then. */
async function collect(pieces: AsyncIterable<string>, hold: ByteHold): Promise<string> {
  const parts: string[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    const more = toHeldLength(piece);
    hold.add(more);
    parts.push(piece);
    bytes += more;
    if (bytes > JSONATA_INPUT_BYTES_MAX) break;
  }
  return `[${parts.join(",")}]`;
}
