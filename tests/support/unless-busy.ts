/** Repeats requests that a busy server refused, as its clients do. */
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
