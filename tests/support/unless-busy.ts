/** Does as a client does that is told to try again: what the machine was too busy for is asked again. */
import { until } from "./until";

const TIMEOUT_MS = 60_000;

/** The first answer that is none of a busy machine. */
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
