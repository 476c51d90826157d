/** How an open stream is called. Pure. */
import type { ConnectionView } from "@/src/shared/management/schemas";

/** Who listens: the user, the key, the dashboard. */
export function toWho({ user, key, dashboard }: Pick<ConnectionView, "user" | "key" | "dashboard">): string {
  if (dashboard) return "Dashboard";
  const byKey = key ?? "A deleted key";
  return user === null ? byKey : `${user} · ${byKey}`;
}

const EXPRESSION_LENGTH_MAX = 200;

/** An expression as far as a list has room for it. */
export function shorten(expression: string): string {
  return expression.length > EXPRESSION_LENGTH_MAX ? `${expression.slice(0, EXPRESSION_LENGTH_MAX)}…` : expression;
}

export const TRANSPORT_LABELS: Readonly<Record<ConnectionView["transport"], string>> = { ws: "WebSocket", sse: "EventSource" };
