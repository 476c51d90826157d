/** Names for a first project and endpoint, made of what a person says they store. Isomorphic; no I/O. */
import { endpointNameProblem, NAME_LENGTH_MAX, NAME_LENGTH_MIN, projectNameProblem } from "@/src/shared/names";

/**
 * Valid names made of free text: “Temperature readings!” → `Temperature readings` and `temperature-readings`; a text that is
 * too short gets “data” behind it. Undefined when the text has no letter (a to z) or digit.
 */
export function startNames(text: string): { project: string; endpoint: string } | undefined {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "");
  const endpoint = fitName(
    plain
      .toLowerCase()
      .replace(/\s*\/\s*/g, "/")
      .replace(/[^a-z0-9/]+/g, "-")
      .replace(/[-/]*\/[-/]*/g, "/"),
    "-data",
    /^[-/]+|[-/]+$/g,
  );
  if (endpoint === undefined) return undefined;
  const project = fitName(plain.replace(/[^A-Za-z0-9 _-]+/g, " ").replace(/ {2,}/g, " "), " data", /^[ _-]+|[ _-]+$/g);
  if (project === undefined || endpointNameProblem(endpoint) || projectNameProblem(project)) return undefined;
  return { project, endpoint };
}

/** `name` without `edges` at its ends, cut or lengthened by `suffix` to a length that names may have. */
function fitName(name: string, suffix: string, edges: RegExp): string | undefined {
  const trimmed = name.replace(edges, "").slice(0, NAME_LENGTH_MAX).replace(edges, "");
  if (trimmed === "") return undefined;
  return trimmed.length < NAME_LENGTH_MIN ? `${trimmed}${suffix}` : trimmed;
}
