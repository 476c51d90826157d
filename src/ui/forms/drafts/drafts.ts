/** The drafts of this tab. Signing out removes those of the account, in every tab. */
import { DraftStore } from "./draft-store";
import { forgetSentRequests } from "./sent-requests";

/** In local storage, followed by the id of an account: when its drafts were removed, in milliseconds since 1970. */
const CLEARED = "rested-drafts-cleared:";

function openDrafts(): DraftStore {
  const store = new DraftStore({
    storage: () => globalThis.sessionStorage,
    nowMs: () => Date.now(),
    setTimer: (run, ms) => void setTimeout(run, ms),
  });
  if (typeof window === "undefined") return store;
  for (let index = 0; index < (readLocal()?.length ?? 0); index += 1) follow(store, readLocal()?.key(index) ?? null);
  window.addEventListener("storage", ({ key }) => follow(store, key));
  window.addEventListener("pagehide", () => store.flush());
  document.addEventListener("visibilitychange", () => store.flush());
  window.addEventListener("beforeunload", (event) => {
    if (store.hasUnkept()) event.preventDefault();
  });
  return store;
}

export const drafts = openDrafts();

/** Removes the drafts of an account in all tabs of this browser, and the requests that were sent from it. */
export function clearDrafts(accountId: string): void {
  drafts.clearAll(`${accountId}/`);
  try {
    forgetSentRequests(localStorage);
    localStorage.setItem(CLEARED + accountId, String(Date.now()));
  } catch {
    // Without local storage, the drafts of other tabs stay until those are closed.
  }
}

/** Applies a removal that another tab has made. */
function follow(store: DraftStore, name: string | null): void {
  if (!name?.startsWith(CLEARED)) return;
  const clearedAtMs = Number(readLocal()?.getItem(name));
  if (clearedAtMs > 0) store.clearAll(`${name.slice(CLEARED.length)}/`, clearedAtMs);
}

function readLocal(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}
