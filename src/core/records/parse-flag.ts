/** Parameters that are true or false, the same on every transport. It must not know which there are. */
import { AppError } from "@/src/shared/errors";

/** False when it is not given. Raises `parameter_invalid`. */
export function parseFlag(parameters: URLSearchParams, name: string): boolean {
  const value = parameters.get(name);
  if (value === null || value === "false") return false;
  if (value === "true") return true;
  throw new AppError("parameter_invalid", { detail: `${name} is true or false.` });
}
