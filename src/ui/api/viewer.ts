/** Whose view of the records the grid shows. */
import { ANONYMOUS } from "@/src/shared/record-limits";

export const ANONYMOUS_LABEL = "Not signed in";

/** The name of a viewer: as the server knows it, or the end of the uniqueId until it is known. Undefined: nobody is signed in. */
export function toViewerName(viewAs: string, known: string | undefined): string | undefined {
  return viewAs === ANONYMOUS ? undefined : (known ?? `…${viewAs.slice(-8)}`);
}

/** The page of an endpoint's records as a user reads them. */
export function toViewAsPath(projectId: string, endpointId: string, userId: string | null): string {
  return `/p/${projectId}/endpoints/${endpointId}/records?as=${userId ?? ANONYMOUS}`;
}
