/** The request that wrote a change, if the request log has it (G32). */
"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { endpointQuery } from "../../api/queries";
import { writerQuery } from "../../traffic/traffic-queries";

export function WrittenBy({ endpointId, seq }: { endpointId: string; seq: number }) {
  const { data: endpoint } = useQuery(endpointQuery(endpointId));
  const projectId = endpoint?.projectId ?? "";
  const { data } = useQuery(writerQuery(projectId, endpointId, seq));
  const request = data?.requests[0];
  if (!request) return null;
  return (
    <p>
      Written by{" "}
      <Link href={`/p/${projectId}/requests?requestId=${request.requestId}`}>
        {request.method} {request.requestId}
      </Link>
      {request.key === null ? null : ` with the key ${request.key}`}.
    </p>
  );
}
