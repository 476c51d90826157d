/** Deletes an endpoint, after showing what depends on it. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useState } from "react";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import { endpointQuery, endpointsQuery } from "../../api/queries";
import { requestJson } from "../../api/request";
import { Button } from "../../components/button";
import { DangerSection } from "../../components/page/page";
import { formatPlural } from "../../format/format-number";
import { NameConfirmation } from "../../forms/name-confirmation";
import { notify } from "../../notifications/notify";

/** How often the number of open streams is read while the dialog shows it. */
const OPEN_STREAMS_MS = 2000;

export function DeleteEndpoint({ endpoint }: { endpoint: EndpointDetail }) {
  const client = useQueryClient();
  const router = useRouter();
  const [open, setOpen] = useState(false);
  useQuery({ ...endpointQuery(endpoint.id), refetchInterval: open ? OPEN_STREAMS_MS : false });
  const isAuthentication = endpoint.kind === "authentication";
  const remove = async () => {
    await requestJson(`endpoints/${endpoint.id}`, { method: "DELETE" });
    notify(`Endpoint ${endpoint.name} deleted.`);
    void client.invalidateQueries({ queryKey: endpointsQuery(endpoint.projectId).queryKey });
    router.push(`/p/${endpoint.projectId}/endpoints`);
    router.refresh();
  };
  return (
    <DangerSection
      title="Delete this endpoint"
      note={
        isAuthentication
          ? "Its users and its log are permanently deleted too."
          : "Its records, their files and its log are permanently deleted too."
      }
    >
      <Button onClick={() => setOpen(true)}>Delete endpoint</Button>
      <NameConfirmation
        open={open}
        onOpenChange={setOpen}
        title="Delete endpoint"
        name={endpoint.name}
        action="Delete endpoint"
        consequences={
          <>
            <p>
              {formatPlural(endpoint.recordCount, isAuthentication ? "user" : "record")} and the log of{" "}
              {formatPlural(endpoint.changeCount, "change")} are deleted too. This can’t be undone.
            </p>
            {isAuthentication ? <p>All sessions of its users end. Their records at secure endpoints lose their owner.</p> : null}
            <p className={endpoint.subscribers > 0 ? "text-warn" : undefined}>
              {endpoint.subscribers === 1
                ? "1 stream is open and will close."
                : `${endpoint.subscribers || "No"} streams are open${endpoint.subscribers > 0 ? " and will close" : ""}.`}
            </p>
          </>
        }
        onConfirm={remove}
      />
    </DangerSection>
  );
}
