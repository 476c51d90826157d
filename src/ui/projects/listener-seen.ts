/** Where this browser notes that it has seen a stream of a project open. */
export function listenerSeenSetting(projectId: string): string {
  return `rested-listener-seen-${projectId}`;
}
