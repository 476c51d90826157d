/** Repeats requests that a busy server refused, as its clients do. */
import { isAppError } from "@/src/shared/errors";
import { until } from "./until";

const TIMEOUT_MS = 60_000;

/** The first response that does not report a busy server. */
export async function unlessBusy<Answer>(ask: () => Promise<Answer>, isBusy: (answer: Answer) => boolean): Promise<Answer> {
  const { answer } = await until(
    "the machine to have time",
    async () => {
      const given = await ask();
      return isBusy(given) ? undefined : { answer: given };
    },
    { timeoutMs: TIMEOUT_MS },
  );
  return answer;
}

/** The first result of a call that does not throw `server_busy`. */
export async function unlessRefusedAsBusy<Result>(ask: () => Promise<Result>): Promise<Result> {
  const { result } = await until(
    "the machine to have time",
    async () => {
      try {
        return { result: await ask() };
      } catch (error) {
        if (isAppError(error) && error.code === "server_busy") return undefined;
        throw error;
      }
    },
    { timeoutMs: TIMEOUT_MS },
  );
  return result;
}
