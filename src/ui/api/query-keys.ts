/** Names what the dashboard caches, so that a change knows what it makes stale. */

export const queryKeys = {
  projects: () => ["projects"] as const,
  project: (projectId: string) => ["projects", projectId] as const,
  keys: (projectId: string) => ["projects", projectId, "keys"] as const,
  endpoints: (projectId: string) => ["projects", projectId, "endpoints"] as const,
  endpoint: (endpointId: string) => ["endpoints", endpointId] as const,
  account: () => ["account"] as const,
  sessions: () => ["account", "sessions"] as const,
  tokens: () => ["account", "tokens"] as const,
};
