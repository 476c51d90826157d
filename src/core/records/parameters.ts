/** Query parameters of records that more than one plane parses. */
import { AppError } from "@/src/shared/errors";
import { PUT_STRATEGIES, type PutStrategy } from "@/src/shared/streams/protocol";

/** False when it is not given. Raises `parameter_invalid`. */
export function parseFlag(parameters: URLSearchParams, name: string): boolean {
  const value = parameters.get(name);
  if (value === null || value === "false") return false;
  if (value === "true") return true;
  throw new AppError("parameter_invalid", { detail: `${name} must be true or false.` });
}

/** Undefined: there is none. Raises `parameter_invalid` for several, `jsonata_invalid` for an empty one. */
export function parseJsonata(parameters: URLSearchParams): string | undefined {
  const [expression, ...others] = parameters.getAll("jsonata");
  if (others.length > 0) throw new AppError("parameter_invalid", { detail: "Send only one jsonata expression." });
  if (expression?.trim() === "")
    throw new AppError("jsonata_invalid", { detail: "The JSONata expression is empty. Write one, or omit jsonata." });
  return expression;
}

/** `force` when it is not given (null). Raises `parameter_invalid` for one that there is not. */
export function parsePutStrategy(text: string | null): PutStrategy {
  const value = text ?? "force";
  const strategy = PUT_STRATEGIES.find((known) => known === value);
  if (strategy === undefined) throw new AppError("parameter_invalid", { detail: `strategy must be one of ${PUT_STRATEGIES.join(", ")}.` });
  return strategy;
}
