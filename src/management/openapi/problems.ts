/** Errors in API descriptions (E1, E2): from the catalogue, by status. */
import { ERRORS, type ErrorCode } from "@/src/shared/errors";
import type { ApiHeader, ApiResponse, JsonSchema } from "@/src/shared/openapi";

export const PROBLEM_SCHEMA: JsonSchema = {
  type: "object",
  description: "A problem document (RFC 9457).",
  required: ["type", "title", "status", "detail", "code", "requestId", "retryable"],
  properties: {
    type: { type: "string", description: "urn:rested:error:<code>" },
    title: { type: "string", description: "The meaning of the code." },
    status: { type: "integer", description: "The HTTP status." },
    detail: { type: "string", description: "What is wrong with this request, and how to fix it." },
    // Not an enum, so that clients generated today accept codes of later releases.
    code: { type: "string", description: "Identifies the error. Each response lists its possible codes." },
    requestId: { type: "string", description: "Identifies the request in the server's log." },
    retryable: { type: "boolean", description: "Whether the same request can succeed later." },
    fields: {
      type: "object",
      description: "What is wrong, by field or by JSON pointer into the body.",
      additionalProperties: { type: "string" },
    },
  },
};

/** Returns one response for each status of the codes, in ascending order. */
export function toProblemResponses(codes: readonly ErrorCode[]): Record<string, ApiResponse> {
  const byStatus = new Map<number, Set<ErrorCode>>();
  for (const code of codes) {
    const { status } = ERRORS[code];
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  }
  const answers = [...byStatus].sort(([a], [b]) => a - b).map(([status, ofStatus]) => [String(status), toResponse([...ofStatus])] as const);
  return Object.fromEntries(answers);
}

function toResponse(codes: readonly ErrorCode[]): ApiResponse {
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].message}`).join("\n\n"),
    ...(codes.some(hasRetryAfter) ? { headers: { "Retry-After": { $ref: "#/components/headers/Retry-After" } } } : {}),
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  };
}

function hasRetryAfter(code: ErrorCode): boolean {
  const { status } = ERRORS[code];
  return status === 429 || status === 503;
}

export const RETRY_AFTER: ApiHeader = {
  description: "Seconds to wait before trying again.",
  schema: { type: "integer", minimum: 1 },
};
