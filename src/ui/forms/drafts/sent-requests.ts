/** The requests that were sent from the console's composer contain data of records, and its variables can contain secrets. Small, because every page can sign out. */

/** In local storage, followed by the id of a project. The composer reads and writes what is stored there. */
export const REQUESTS = "rested-requests-";

/** Removes the history and the variables of all projects. Requests that are saved under a name stay. */
export function forgetSentRequests(storage: Storage): void {
  const names = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
  for (const name of names.filter((each) => each.startsWith(REQUESTS))) {
    const kept = withoutPrivate(storage.getItem(name) ?? "");
    if (kept === undefined) storage.removeItem(name);
    else storage.setItem(name, kept);
  }
}

/** Undefined for a text that the composer could not read either. */
function withoutPrivate(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? JSON.stringify({ ...value, history: [], variables: [] }) : undefined;
  } catch {
    return undefined;
  }
}
