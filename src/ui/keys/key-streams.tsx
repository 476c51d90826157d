/** The open streams that end with a key. */
"use client";

import { useQuery } from "@tanstack/react-query";
import type { ConnectionView, ManagedKey } from "@/src/shared/management/schemas";
import { keyConnectionsQuery } from "../api/queries";
import { formatCount, formatPlural } from "../format/format-number";

/** Endpoints are named up to this many. */
const NAMED_MAX = 3;

/** `when`: as in “They close {when}.” */
export function KeyStreams({ managedKey: { id, projectId }, when }: { managedKey: ManagedKey; when: string }) {
  const { data, error } = useQuery(keyConnectionsQuery(projectId, id));
  if (error) return <p className="text-muted">Couldn’t load this key’s open streams.</p>;
  // Keeps the height, so that the buttons do not move.
  if (!data) return <p className="text-muted">Looking for open streams…</p>;
  if (data.total === 0) return <p className="text-muted">No open stream uses this key.</p>;
  return (
    <p className="text-warn">
      {formatPlural(data.total, "open stream uses", "open streams use")} this key ({toPlaces(data.connections)}).{" "}
      {data.total === 1 ? "It closes" : "They close"} {when}.
    </p>
  );
}

/** “readings ×2, users” */
function toPlaces(connections: readonly ConnectionView[]): string {
  const counts = new Map<string, number>();
  for (const { endpoint } of connections) counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1);
  const named = [...counts].slice(0, NAMED_MAX).map(([endpoint, count]) => (count === 1 ? endpoint : `${endpoint} ×${formatCount(count)}`));
  return [...named, ...(counts.size > NAMED_MAX ? ["…"] : [])].join(", ");
}
