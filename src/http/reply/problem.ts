/** The HTTP form of an error (E1): status, headers and body. It must not send, nor decide what went wrong. */

import { type AppError, toProblem } from "@/src/shared/errors";
import { ACCEPTED_CODINGS } from "@/src/shared/http/content-type";
import { UNAVAILABLE_RETRY_SECONDS } from "@/src/shared/streams/protocol";

export interface ProblemAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const PROBLEM_TYPE = "application/problem+json; charset=utf-8";

/** Nothing internal in it: only the catalogue's text and the error's own public parts. */
export function toProblemAnswer(error: AppError, requestId: string): ProblemAnswer {
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
    body: JSON.stringify(toProblem(error, requestId)),
  };
}
