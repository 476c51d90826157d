/** How many bytes a process holds in memory for callers that send or read at their own pace: one budget for each kind, made once in boot. */
import { type ByteBudget, createByteBudget } from "@/src/core/limits/byte-budget";
import { AppError } from "@/src/shared/errors";
import { JSONATA_INPUT_BYTES_MAX } from "@/src/shared/streams/protocol";

export interface HeldBytes {
  /** Answers, until their client has taken them. */
  answers: ByteBudget;
  /** Bodies of requests, from their arrival until the request is answered. */
  bodies: ByteBudget;
  /** Lists that expressions are evaluated on. */
  inputs: ByteBudget;
}

/** Smaller answers and bodies are not counted: the number of connections bounds them, and the system takes them at once. */
export const COUNTED_BYTES_MIN = 16 * 1024;

const MIB = 1024 * 1024;
const LIMITS = {
  /** Of the memory. Answers wait outside of the heap that this is measured by. */
  answersShare: 1 / 4,
  /** For bodies, and for inputs. The rest is the server's own, and what a body becomes while it is parsed, checked and written. */
  memoryShare: 1 / 8,
  /** Of a budget, for one account (and each of its projects), and for one key from one network. */
  accountShare: 1 / 4,
  callerShare: 1 / 8,
  /** However small the memory is. */
  answersMin: 16 * MIB,
  retryAfterSeconds: 5,
};

/**
 * `memoryBytes`: what the process may use, e.g. V8's heap limit. `bodyBytesMax`: of one body. Paths are
 * CallerPaths. Inputs need none: the sandbox takes them in turns.
 */
export function createHeldBytes({ memoryBytes, bodyBytesMax }: { memoryBytes: number; bodyBytesMax: number }): HeldBytes {
  const { answersShare, memoryShare, accountShare, callerShare, answersMin, retryAfterSeconds } = LIMITS;
  const share = Math.floor(memoryBytes * memoryShare);
  const create = (max: number, detail: string) =>
    createByteBudget({
      max,
      groupMax: [Math.floor(max * accountShare), Math.floor(max * accountShare), Math.floor(max * callerShare)],
      createBusyError: () => new AppError("server_busy", { detail, retryAfterSeconds }),
    });
  return {
    answers: create(
      Math.max(Math.floor(memoryBytes * answersShare), answersMin),
      "The server holds too many answers that their clients have not read yet. Read answers faster, ask for less at once, or try again shortly.",
    ),
    bodies: create(
      Math.max(share, 2 * bodyBytesMax),
      "The server holds too many bytes of requests that are not answered yet. Send fewer or smaller requests at once, or try again shortly.",
    ),
    inputs: create(
      Math.max(share, 2 * JSONATA_INPUT_BYTES_MAX),
      "Too many large lists wait for expressions. Select fewer records, or try again shortly.",
    ),
  };
}
