/** `jsonata` on GET (R6): answers what an expression makes of a list. It must not evaluate anything: the sandbox does. */
import type { CallerPath } from "@/src/core/caller-path";
import type { Sandbox } from "@/src/core/ports";
import { type DataExchange, headersOf, JSON_TYPE, sendJson } from "@/src/http/exchange";
import { sendLongText } from "@/src/http/send-long-text";
import { JSONATA_INPUT_BYTES_MAX } from "@/src/shared/protocol";

/** Answers of more characters are sent piece by piece. */
const LONG_LENGTH = 256 * 1024;

/**
 * Evaluates the expression on the list that `pieces` (array items joined by commas) make up, and answers the result; `null` when it selects nothing.
 * The list is read once the expression's turn has come, and not at all when the client goes away before. Raises what Sandbox.evaluate raises.
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
  const onClose = () => gone.abort();
  response.once("close", onClose);
  try {
    const result = await sandbox.evaluate(expression, () => collect(pieces), { caller, signal: gone.signal });
    const text = result ?? "null";
    if (text.length <= LONG_LENGTH) sendJson(exchange, 200, text, headers);
    else await sendLongText({ response, headers: { ...headersOf(exchange), "Content-Type": JSON_TYPE, ...headers }, text });
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    response.off("close", onClose);
  }
}

/** Of a list that is too long only so much as shows it: the sandbox refuses it. */
async function collect(pieces: AsyncIterable<string>): Promise<string> {
  const parts: string[] = [];
  let length = 0;
  for await (const piece of pieces) {
    parts.push(piece);
    length += piece.length;
    if (length > JSONATA_INPUT_BYTES_MAX) break;
  }
  return `[${parts.join(",")}]`;
}
