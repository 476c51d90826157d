/** The error of a call, for tests that expect one. */
import { isAppError } from "@/src/shared/errors";
import { unlessBusy } from "./unless-busy";

export interface Refusal {
  code: string;
  detail: string;
}

/** Throws if the call succeeds, or fails with an error that is not in the catalogue. */
export async function refusal(promise: Promise<unknown>): Promise<Refusal> {
  const error = await promise.then(
    (value) => new Error(`answered ${String(value).slice(0, 100)}`),
    (reason: unknown) => reason,
  );
  if (!isAppError(error)) throw error;
  return { code: error.code, detail: error.message };
}

/** The same, repeating the call while the machine is too busy. */
export function limitOf(ask: () => Promise<unknown>): Promise<Refusal> {
  return unlessBusy(
    () => refusal(ask()),
    ({ code }) => code === "server_busy",
  );
}
