/** What a call is refused with, for tests that expect it to be. */
import { isAppError } from "@/src/shared/errors";
import { unlessBusy } from "./unless-busy";

export interface Refusal {
  code: string;
  detail: string;
}

/** Raises when the call answers, or fails with what is no error of the catalogue. */
export async function refusal(promise: Promise<unknown>): Promise<Refusal> {
  const error = await promise.then(
    (value) => new Error(`answered ${String(value).slice(0, 100)}`),
    (reason: unknown) => reason,
  );
  if (!isAppError(error)) throw error;
  return { code: error.code, detail: error.message };
}

/** The same of what is asked again while the machine is too busy to give it its time. */
export function limitOf(ask: () => Promise<unknown>): Promise<Refusal> {
  return unlessBusy(
    () => refusal(ask()),
    ({ code }) => code === "server_busy",
  );
}
