/** `jsonata` on GET (R6): answers what an expression makes of a list. It must not evaluate anything: the sandbox does. */

import type { CallerPath } from "@/src/core/access/caller-path";
import type { ByteHold } from "@/src/core/limits/byte-budget";
import type { Sandbox } from "@/src/core/sandbox";
import { type DataExchange, sendJson } from "@/src/http/exchange";
import { requireAnswerRoom, toHeldLength } from "@/src/http/hold-bytes";
import { onAnswered } from "@/src/http/reply/answered";
import { JSONATA_INPUT_BYTES_MAX } from "@/src/shared/streams/protocol";

/**
 * Evaluates the expression on the list that `pieces` (array items joined by commas) make up, and answers the result; `null` when it selects nothing.
 * The list is read once the expression's turn has come, and not at all when the client goes away before. Raises what Sandbox.evaluate raises, and
 * `server_busy` when the list or the answer is more than the budgets of held bytes have room for.
 */
export async function answerJsonata({
  exchange,
  sandbox,
  expression,
  pieces,
  caller,
  headers = {},
}: {
  exchange: DataExchange;
  sandbox: Pick<Sandbox, "evaluate">;
  expression: string;
  pieces: AsyncIterable<string>;
  caller: CallerPath;
  headers?: Record<string, string>;
}): Promise<void> {
  const { response } = exchange;
  const gone = new AbortController();
  const cancel = onAnswered(response, () => gone.abort());
  const inputHold = exchange.held.inputs.hold([], 0);
  try {
    // A caller that leaves its answers unread is refused before another one is computed.
    requireAnswerRoom(exchange);
    const result = await sandbox.evaluate(expression, () => collect(pieces, inputHold), { caller, signal: gone.signal });
    inputHold.release();
    if (!gone.signal.aborted) sendJson(exchange, 200, result ?? "null", headers);
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    inputHold.release();
    cancel();
  }
}

/** Of a list that is too long only so much as shows it: the sandbox refuses it. */
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
