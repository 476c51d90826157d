/** The parameters of record operations (R1, R3–R5). Unlisted ones are ignored (U1); it must not look at key, origin or token. */
import { AppError } from "@/src/shared/errors";
import { isUniqueId, UNIQUE_IDS_MAX } from "@/src/shared/protocol";

/** `dataOnly`; false when it is not given. Raises `parameter_invalid`. */
export function parseDataOnly(parameters: URLSearchParams): boolean {
  const value = parameters.get("dataOnly");
  if (value === null || value === "false") return false;
  if (value === "true") return true;
  throw new AppError("parameter_invalid", { detail: "dataOnly is true or false." });
}

/** The one record that a PUT or DELETE names. Raises `unique_id_missing`, `unique_id_invalid`, `parameter_invalid` for several. */
export function parseUniqueId(parameters: URLSearchParams): string {
  const [id, ...others] = listIds(parameters);
  if (id === undefined) throw new AppError("unique_id_missing");
  if (others.length > 0) throw new AppError("parameter_invalid", { detail: "Name one record: this operation takes a single uniqueId." });
  return id;
}

/**
 * The records that a GET names, each once; undefined when it names none and so means all. An empty `uniqueId` is invalid: a client
 * whose variable is empty does not want every record. Raises `unique_id_invalid`, `parameter_invalid` for too many.
 */
export function parseUniqueIds(parameters: URLSearchParams): readonly string[] | undefined {
  if (!parameters.has("uniqueId")) return undefined;
  const ids = listIds(parameters);
  if (ids.length === 0) throw new AppError("unique_id_invalid");
  if (ids.length > UNIQUE_IDS_MAX)
    throw new AppError("parameter_invalid", { detail: `At most ${UNIQUE_IDS_MAX} uniqueIds are taken at once.` });
  return ids;
}

/** Repeated or comma-separated. */
function listIds(parameters: URLSearchParams): string[] {
  const ids = new Set<string>();
  for (const value of parameters.getAll("uniqueId")) {
    for (const id of value.split(",")) if (id !== "") ids.add(id);
  }
  for (const id of ids) if (!isUniqueId(id)) throw new AppError("unique_id_invalid");
  return [...ids];
}
