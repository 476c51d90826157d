/** Opens a record by its id, in whichever endpoint of the project it is. */
"use client";

import { useRouter } from "next/navigation";
import type { RecordPlace } from "@/src/shared/management/record-edits";
import { requestJson } from "../api/request";
import { toRequestError } from "../api/request-error";
import { notify } from "../notifications/notify";

/** `onHere`: the record is in this endpoint. */
export function useOpenReference({
  projectId,
  endpointId,
  onHere,
}: {
  projectId: string;
  endpointId: string;
  onHere: (uniqueId: string) => void;
}): (uniqueId: string) => void {
  const router = useRouter();
  const open = async (uniqueId: string) => {
    try {
      const place = await requestJson<RecordPlace>(`projects/${projectId}/records/${uniqueId}`);
      if (place.endpointId === endpointId) return onHere(uniqueId);
      router.push(`/p/${projectId}/endpoints/${place.endpointId}/records?record=${uniqueId}`);
    } catch (error) {
      notify(toRequestError(error).message);
    }
  };
  return (uniqueId) => void open(uniqueId);
}
