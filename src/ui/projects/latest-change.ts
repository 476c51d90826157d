/** Finds when something was last written in a project. Pure. */
import type { ManagedEndpoint } from "@/src/shared/management/schemas";

/** The newest of the endpoints' last changes; null when nothing was ever written. */
export function latestChange(endpoints: readonly Pick<ManagedEndpoint, "lastChangeAt">[]): string | null {
  // Times in ISO 8601 and UTC sort as texts.
  return endpoints.reduce<string | null>(
    (latest, { lastChangeAt }) => (lastChangeAt !== null && (latest === null || lastChangeAt > latest) ? lastChangeAt : latest),
    null,
  );
}
