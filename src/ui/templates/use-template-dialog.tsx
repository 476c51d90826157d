/** Adds a template to a project and opens the console of its main endpoint. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import { endpointsQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Button } from "../components/button";
import { Dialog, DialogActions } from "../components/overlay/dialog";
import { TemplateChoice } from "./template-choice";

export function UseTemplateDialog({
  projectId,
  open,
  onOpenChange,
}: {
  projectId: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const router = useRouter();
  const queries = useQueryClient();
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Use a template"
      description="Creates an endpoint with a schema, access rules and sample records in this project. Its example page is one HTML file."
    >
      <div className="flex flex-col gap-4">
        <TemplateChoice
          onChoose={async (template) => {
            const endpoint = await requestJson<EndpointDetail>(`projects/${projectId}/templates`, { method: "POST", body: { template } });
            await queries.invalidateQueries(endpointsQuery(projectId));
            router.push(`/p/${projectId}/endpoints/${endpoint.id}/live?template=${template}`);
          }}
        />
        <DialogActions>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
        </DialogActions>
      </div>
    </Dialog>
  );
}
