/** Names requests, so that an answer can be found in the log. It must not carry anything about the request. */
import { randomUUID } from "node:crypto";

/** `req-` and 12 random hex digits. */
export function createRequestId(): string {
  // The first 12 digits of a UUIDv4 are random throughout, and Node makes UUIDs from a pool: no system call for each.
  const uuid = randomUUID();
  return `req-${uuid.slice(0, 8)}${uuid.slice(9, 13)}`;
}
