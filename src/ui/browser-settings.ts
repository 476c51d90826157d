/** Settings that are stored in this browser. Not available while rendering on the server. */

const CHANGED = "rested:setting";

/** The stored text; undefined if there is none, or if the browser blocks storage. */
export function readSetting(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Stores `value`, or removes it if undefined, and notifies listeners. Does nothing if the browser blocks storage. */
export function writeSetting(key: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // The setting is then lost when the page is closed.
  }
  window.dispatchEvent(new Event(CHANGED));
}

/** Calls `listener` on every change, including changes in other tabs. Returns a function that unsubscribes. */
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
