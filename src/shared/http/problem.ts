/** The HTTP form of an error (E1), and the ids by which responses are found in the log. */
import { type AppError, ERRORS, type ErrorCode, toProblem } from "@/src/shared/errors";
import { toHexByte } from "@/src/shared/hex";
import { ACCEPTED_CODINGS } from "@/src/shared/http/content-type";

export const PROBLEM_TYPE = "application/problem+json; charset=utf-8";

/** When to retry after a 503, or another failure that can pass, which sets no time itself (E, W23). */
export const UNAVAILABLE_RETRY_SECONDS = 2;

export interface ProblemDocument {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Returns the problem document of an error, with its public parts only. `members` are added to the document. */
export function formatProblem(error: AppError, requestId: string, members?: Readonly<Record<string, unknown>>): ProblemDocument {
  const { status } = error.entry;
  const retryAfterSeconds = error.retryAfterSeconds ?? (status === 503 ? UNAVAILABLE_RETRY_SECONDS : undefined);
  return {
    status,
    headers: {
      "Content-Type": PROBLEM_TYPE,
      ...(retryAfterSeconds === undefined ? {} : { "Retry-After": String(Math.max(1, Math.ceil(retryAfterSeconds))) }),
      ...(error.code === "content_encoding_unsupported" ? { "Accept-Encoding": ACCEPTED_CODINGS } : {}),
      ...(error.fileBytes === undefined ? {} : { "Content-Range": `bytes */${error.fileBytes}` }),
    },
    body: members === undefined ? toDocument(error, requestId) : JSON.stringify({ ...toProblem(error, requestId), ...members }),
  };
}

/** The JSON text before and after the request id, of errors that have the catalogue's message. */
const prepared = new Map<ErrorCode, readonly [before: string, after: string]>();
/** Stands for the request id in a prepared document. No text of the catalogue contains it. */
const PLACE = "{requestId}";

/** The JSON text of a problem. It is prepared for errors without a detail or fields, because a flood of refused requests must stay cheap to refuse. */
function toDocument(error: AppError, requestId: string): string {
  if (error.fields || error.message !== ERRORS[error.code].message) return JSON.stringify(toProblem(error, requestId));
  let parts = prepared.get(error.code);
  if (!parts) {
    const [before = "", after = ""] = JSON.stringify(toProblem(error, PLACE)).split(PLACE);
    parts = [before, after];
    prepared.set(error.code, parts);
  }
  return parts[0] + requestId + parts[1];
}

const ID_BYTES = 6;
/** Random bytes for the next ids: one system call for many. */
const random = new Uint8Array(ID_BYTES * 512);
let randomAt = random.length;

function hexAt(at: number): string {
  return toHexByte(random[at] ?? 0);
}

/** Returns `req-` and 12 random hex digits. */
export function createRequestId(): string {
  if (randomAt === random.length) {
    crypto.getRandomValues(random);
    randomAt = 0;
  }
  const at = randomAt;
  randomAt += ID_BYTES;
  return `req-${hexAt(at)}${hexAt(at + 1)}${hexAt(at + 2)}${hexAt(at + 3)}${hexAt(at + 4)}${hexAt(at + 5)}`;
}
