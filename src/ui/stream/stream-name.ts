/** Names of open streams for lists. Pure. */
import type { ConnectionView } from "@/src/shared/management/schemas";

/** The client of a stream: its user and key, or the dashboard. */
export function toClientName({ user, key, dashboard }: Pick<ConnectionView, "user" | "key" | "dashboard">): string {
  if (dashboard) return "Dashboard";
  const byKey = key ?? "Deleted key";
  return user === null ? byKey : `${user} · ${byKey}`;
}

const EXPRESSION_LENGTH_MAX = 200;

/** The start of an expression that is too long for a list. */
export function shortenExpression(expression: string): string {
  return expression.length > EXPRESSION_LENGTH_MAX ? `${expression.slice(0, EXPRESSION_LENGTH_MAX)}…` : expression;
}

export const TRANSPORT_LABELS: Readonly<Record<ConnectionView["transport"], string>> = { ws: "WebSocket", sse: "EventSource" };
