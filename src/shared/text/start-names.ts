/** Derives the names of a first project and endpoint from a description of what is stored. */
import { suggestEndpointName, suggestProjectName } from "@/src/shared/text/names";

/** The endpoint's name if the text has no letter a to z and no digit. */
const ENDPOINT_DEFAULT = "data";

/**
 * Derives valid names from free text: “Temperature readings!” → `Temperature readings` and `temperature-readings`; “温度” → `温度` and `data`. Undefined
 * if the text has no letter or digit.
 */
export function startNames(text: string): { project: string; endpoint: string } | undefined {
  const project = suggestProjectName(text);
  return project === undefined ? undefined : { project, endpoint: suggestEndpointName(text) ?? ENDPOINT_DEFAULT };
}
