/** Names for a first project and endpoint, made of what a person says they store. Isomorphic; no I/O. */
import { suggestEndpointName, suggestProjectName } from "@/src/shared/text/names";

/** The endpoint of a text that has no letter a to z, and no digit. */
const ENDPOINT_DEFAULT = "data";

/**
 * Valid names made of free text: “Temperature readings!” → `Temperature readings` and `temperature-readings`; “温度” → `温度` and `data`.
 * Undefined when the text has no letter or digit.
 */
export function startNames(text: string): { project: string; endpoint: string } | undefined {
  const project = suggestProjectName(text);
  return project === undefined ? undefined : { project, endpoint: suggestEndpointName(text) ?? ENDPOINT_DEFAULT };
}
