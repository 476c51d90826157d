/** The `jsonata` parameter, the same on every transport (R6, W13). It must not evaluate anything: the sandbox does. */
import { AppError } from "@/src/shared/errors";

/** Undefined: there is none. Raises `parameter_invalid` for several, `jsonata_invalid` for an empty one. */
export function parseJsonata(parameters: URLSearchParams): string | undefined {
  const [expression, ...others] = parameters.getAll("jsonata");
  if (others.length > 0) throw new AppError("parameter_invalid", { detail: "Give one jsonata expression." });
  if (expression?.trim() === "")
    throw new AppError("jsonata_invalid", { detail: "The JSONata expression is empty. Write one, or leave jsonata out." });
  return expression;
}
