/** A setting kept in this browser and heard of by every component that shows it. It must not be read while rendering on the server. */

const CHANGED = "rested:setting";

/** The stored text; undefined when there is none, or storage is closed to us. */
export function readSetting(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Stores `value` (undefined: removes it) where the browser lets us, and tells listeners of this page. */
export function writeSetting(key: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // The choice then does not outlive the page.
  }
  window.dispatchEvent(new Event(CHANGED));
}

/** Hears of changes, of other tabs too. Answers how to stop. */
export function subscribeSettings(listener: () => void): () => void {
  window.addEventListener(CHANGED, listener);
  window.addEventListener("storage", listener);
  return () => {
    window.removeEventListener(CHANGED, listener);
    window.removeEventListener("storage", listener);
  };
}

const SINGLE_KEYS = "rested-single-keys";

/** Whether single keys (J, K, Space …) are shortcuts: on unless turned off. WCAG 2.1.4 requires that they can be turned off. */
export function areSingleKeysOn(): boolean {
  return readSetting(SINGLE_KEYS) !== "off";
}

export function setSingleKeys(on: boolean): void {
  writeSetting(SINGLE_KEYS, on ? undefined : "off");
}

/** The setting that is stored once this browser has seen an open stream in the project. */
export function toStreamSeenSetting(projectId: string): string {
  return `rested-listener-seen-${projectId}`;
}
