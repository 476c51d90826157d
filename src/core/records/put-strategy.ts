/** Reads the `strategy` of a PUT (R4), for the data plane and the management API alike. It must not apply it (records.ts does). */
import { AppError } from "@/src/shared/errors";
import { PUT_STRATEGIES, type PutStrategy } from "@/src/shared/streams/protocol";

/** `force` when it is not given (null). Raises `parameter_invalid` for one that there is not. */
export function parsePutStrategy(text: string | null): PutStrategy {
  const value = text ?? "force";
  const strategy = PUT_STRATEGIES.find((known) => known === value);
  if (strategy === undefined) throw new AppError("parameter_invalid", { detail: `strategy is one of ${PUT_STRATEGIES.join(", ")}.` });
  return strategy;
}
