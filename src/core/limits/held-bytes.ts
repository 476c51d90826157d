/**
 * Limits the bytes that a process holds in memory for callers that send or read at their own pace. There is one budget for each kind, created at
 * start.
 */
import { type ByteBudget, createByteBudget } from "@/src/core/limits/byte-budget";
import { AppError } from "@/src/shared/errors";
import { JSONATA_INPUT_BYTES_MAX } from "@/src/shared/streams/protocol";

export interface HeldBytes {
  /** Responses, until the client has read them. */
  responses: ByteBudget;
  /** Request bodies, from their arrival until the response. */
  bodies: ByteBudget;
  /** Lists that expressions are evaluated on. */
  inputs: ByteBudget;
}

/** Smaller responses and bodies are not counted. The number of connections limits them, and the operating system buffers them. */
export const COUNTED_BYTES_MIN = 16 * 1024;

const MIB = 1024 * 1024;
const LIMITS = {
  /** Of the memory. Responses are held outside of the heap whose limit is the measure. */
  responsesShare: 1 / 4,
  /**
   * Of the memory, for bodies and for inputs. The rest is for the server itself, and for what a body needs while it is parsed, validated and written.
   */
  memoryShare: 1 / 8,
  /** Of a budget: for one account and each of its projects, and for one key from one network. */
  accountShare: 1 / 4,
  callerShare: 1 / 8,
  /** The minimum, regardless of the memory. */
  responsesMin: 16 * MIB,
  retryAfterSeconds: 5,
};

/**
 * `memoryBytes`: the memory that the process may use, such as V8's heap limit. `bodyBytesMax`: the limit of one body. The paths are CallerPaths.
 * Inputs need no path limits because the sandbox is fair.
 */
export function createHeldBytes({ memoryBytes, bodyBytesMax }: { memoryBytes: number; bodyBytesMax: number }): HeldBytes {
  const { responsesShare, memoryShare, accountShare, callerShare, responsesMin, retryAfterSeconds } = LIMITS;
  const share = Math.floor(memoryBytes * memoryShare);
  const create = (max: number, detail: string) =>
    createByteBudget({
      max,
      groupMax: [Math.floor(max * accountShare), Math.floor(max * accountShare), Math.floor(max * callerShare)],
      createBusyError: () => new AppError("server_busy", { detail, retryAfterSeconds }),
    });
  return {
    responses: create(
      Math.max(Math.floor(memoryBytes * responsesShare), responsesMin),
      "The server holds too many responses that clients have not read yet. Read responses faster, request less at once, or try again shortly.",
    ),
    bodies: create(
      Math.max(share, 2 * bodyBytesMax),
      "The server holds too many request bodies that are still being processed. Send fewer or smaller requests at once, or try again shortly.",
    ),
    inputs: create(
      Math.max(share, 2 * JSONATA_INPUT_BYTES_MAX),
      "Too many large lists are waiting to be evaluated. Select fewer records, or try again shortly.",
    ),
  };
}
