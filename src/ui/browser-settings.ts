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
