/** Parses the query parameters of records that both planes share. */
import { AppError } from "@/src/shared/errors";
import type { QueryParameters } from "@/src/shared/http/query";
import { PUT_STRATEGIES, type PutStrategy } from "@/src/shared/streams/protocol";

/** False if the parameter is absent. Throws `parameter_invalid` for any value other than `true` and `false`. */
export function parseFlag(parameters: QueryParameters, name: string): boolean {
  const value = parameters.get(name);
  if (value === null || value === "false") return false;
  if (value === "true") return true;
  throw new AppError("parameter_invalid", { detail: `${name} must be true or false.` });
}

/** Undefined if the parameter is absent. Throws `parameter_invalid` if there are several, and `jsonata_invalid` if it is empty. */
export function parseJsonata(parameters: QueryParameters): string | undefined {
  const [expression, ...others] = parameters.getAll("jsonata");
  if (others.length > 0) throw new AppError("parameter_invalid", { detail: "Send only one jsonata expression." });
  if (expression?.trim() === "")
    throw new AppError("jsonata_invalid", { detail: "The JSONata expression is empty. Write one, or omit jsonata." });
  return expression;
}

/** Defaults to `force` if the parameter is absent (null). Throws `parameter_invalid` for an unknown strategy. */
export function parsePutStrategy(text: string | null): PutStrategy {
  const value = text ?? "force";
  const strategy = PUT_STRATEGIES.find((known) => known === value);
  if (strategy === undefined) throw new AppError("parameter_invalid", { detail: `strategy must be one of ${PUT_STRATEGIES.join(", ")}.` });
  return strategy;
}
