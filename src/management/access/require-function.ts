/** Access functions of endpoints (S8): the check before one is stored. */
import type { CallerPath } from "@/src/core/access/caller-path";
import type { Sandbox } from "@/src/core/sandbox";
import { AppError } from "@/src/shared/errors";

/**
 * Throws `fields_invalid` for the field `accessFunction`, with line and column, if the source cannot be parsed or is not one function, and `server_busy`. The
 * check counts against the CPU budget of `caller`.
 */
export async function requireFunction({
  sandbox,
  source,
  caller,
}: {
  sandbox: Pick<Sandbox, "checkFunction">;
  source: string;
  caller: CallerPath;
}): Promise<void> {
  const problem = await sandbox.checkFunction(source, { caller });
  if (!problem) return;
  const { message, line, column } = problem;
  const place = line === undefined ? "" : `Line ${line}${column === undefined ? "" : `, column ${column}`}: `;
  throw new AppError("fields_invalid", {
    detail: `The access function is not valid. ${place}${message}`,
    fields: { accessFunction: `${place}${message}` },
  });
}
