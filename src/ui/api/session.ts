/**
 * The dashboard session of this page, which can end at any time. A request that fails for that reason waits until the user has signed in again, and
 * is then sent again. A page belongs to the account that opened it: requests name that account, and the server refuses them for any other (G1.11).
 */
import { RequestError } from "./request-error";

export interface ExpectedAccount {
  id: string;
  name: string;
  email: string;
}

/** `ended`: the user must sign in. `isOther`: the browser is signed in as another account. `isAsking`: the dialog is open. */
export type SessionState = { state: "active" } | { state: "ended"; isOther: boolean; isAsking: boolean };

/**
 * How a request deals with an ended session. `ask`: opens the dialog and waits, for what the user does. `wait`: waits until the user signs in, for
 * what the page reads by itself. `fail`: fails, for what is tried again anyway.
 */
export type SessionMode = "ask" | "wait" | "fail";

const ACTIVE: SessionState = { state: "active" };
/** The header in which a request names the account of its page. */
export const ACCOUNT_HEADER = "X-Rested-Account";
const SIGNED_IN = "rested-signed-in";

let account: ExpectedAccount | undefined;
let state: SessionState = ACTIVE;
let waiting: { resolve: () => void; reject: () => void; isAction: boolean }[] = [];
const listeners = new Set<() => void>();

export function expectAccount(next: ExpectedAccount): void {
  account = next;
}

export function getExpectedAccount(): ExpectedAccount | undefined {
  return account;
}

export function getSession(): SessionState {
  return state;
}

export function subscribeSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Opens the dialog to sign in. */
export function askToSignIn(): void {
  if (state.state === "ended") set({ ...state, isAsking: true });
}

/** Closes the dialog. The actions that waited fail. */
export function stopAsking(): void {
  if (state.state === "ended") set({ ...state, isAsking: false });
  const actions = waiting.filter(({ isAction }) => isAction);
  waiting = waiting.filter(({ isAction }) => !isAction);
  for (const { reject } of actions) reject();
}

/** Sends the requests that waited. Called after the account of the page has signed in. */
export function renewSession(): void {
  const all = waiting;
  waiting = [];
  set(ACTIVE);
  for (const { resolve } of all) resolve();
}

/** Announces a sign-in to the other tabs. */
export function announceSignIn(): void {
  try {
    localStorage.setItem(SIGNED_IN, String(Date.now()));
  } catch {
    // The other tabs find out when they are visible again.
  }
}

/** Calls `listener` after a sign-in in another tab, and when the tab becomes visible. Returns a function that unsubscribes. */
export function onPossibleSignIn(listener: () => void): () => void {
  const onStorage = ({ key }: StorageEvent) => key === SIGNED_IN && listener();
  const onVisible = () => document.visibilityState === "visible" && listener();
  window.addEventListener("storage", onStorage);
  document.addEventListener("visibilitychange", onVisible);
  return () => {
    window.removeEventListener("storage", onStorage);
    document.removeEventListener("visibilitychange", onVisible);
  };
}

/** The result of `attempt`, which is repeated after a new sign-in if the session has ended. Throws what it throws otherwise. */
export async function withSession<Value>(mode: SessionMode, attempt: () => Promise<Value>, signal?: AbortSignal | null): Promise<Value> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isSessionError(error) || account === undefined) throw error;
      set({
        state: "ended",
        isOther: error.code === "account_mismatch",
        isAsking: mode === "ask" || (state.state === "ended" && state.isAsking),
      });
      if (mode === "fail") throw error;
      await untilSignedIn(mode === "ask", error, signal);
    }
  }
}

export function isSessionError(error: unknown): error is RequestError {
  return error instanceof RequestError && (error.code === "session_missing" || error.code === "account_mismatch");
}

function untilSignedIn(isAction: boolean, cause: RequestError, signal: AbortSignal | null | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const entry = { resolve, isAction, reject: () => reject(toDismissed(cause)) };
    waiting.push(entry);
    signal?.addEventListener("abort", () => {
      waiting = waiting.filter((other) => other !== entry);
      reject(signal.reason);
    });
  });
}

function toDismissed({ code, status }: RequestError): RequestError {
  return new RequestError({ code, status, requestId: undefined, detail: "Your session ended. Sign in, then try again." });
}

function set(next: SessionState): void {
  if (JSON.stringify(next) === JSON.stringify(state)) return;
  state = next;
  for (const listener of listeners) listener();
}
