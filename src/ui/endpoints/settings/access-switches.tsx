/** The switches for access to a data or e-mail endpoint and for what users can do with each other's records (S1, S2). The form saves the values. */
"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useState } from "react";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import { endpointsQuery } from "../../api/queries";
import { Button } from "../../components/button";
import { Panel } from "../../components/page/page";
import { Switch } from "../../components/switch";
import { formatPlural } from "../../format/format-number";
import { CreateEndpointDialog } from "../create-endpoint-dialog";

const OTHERS = [
  { field: "othersCanRead", label: "Others can read", hint: "Users can also read and stream each other’s records." },
  { field: "othersCanUpdate", label: "Others can update", hint: "Users can also change each other’s records." },
  { field: "othersCanDelete", label: "Others can delete", hint: "Users can also delete each other’s records." },
] as const;

export type Access = Pick<EndpointDetail, "secure" | (typeof OTHERS)[number]["field"]>;

export function AccessSwitches({
  endpoint,
  access,
  onChange,
}: {
  endpoint: EndpointDetail;
  access: Access;
  onChange: (access: Access) => void;
}) {
  return (
    <Panel>
      <div className="-my-3 flex flex-col divide-y">
        <div>
          <Switch
            label="Secure"
            hint="Requests and streams also need a user’s access token or the master key, and each record belongs to the user who created it."
            checked={access.secure}
            onChange={(secure) => onChange({ ...access, secure })}
          />
          {access.secure ? <WhereUsersLogIn endpoint={endpoint} /> : null}
        </div>
        {OTHERS.filter(({ field }) => endpoint.kind !== "email" || field !== "othersCanUpdate").map(({ field, label, hint }) => (
          <Switch
            key={field}
            label={label}
            hint={access.secure ? hint : `${hint} Applies to secure endpoints only.`}
            checked={access[field]}
            disabled={!access.secure}
            onChange={(checked) => onChange({ ...access, [field]: checked })}
          />
        ))}
      </div>
    </Panel>
  );
}

/** Links to the project's authentication endpoints, or a button to create the first one. Warns of open streams that will close. */
function WhereUsersLogIn({ endpoint }: { endpoint: EndpointDetail }) {
  const { projectId } = endpoint;
  const { data: endpoints } = useQuery(endpointsQuery(projectId));
  const [creating, setCreating] = useState(false);
  const places = endpoints?.filter(({ kind }) => kind === "authentication") ?? [];
  return (
    <div className="flex flex-col items-start gap-2 pb-3">
      {!endpoint.secure && endpoint.subscribers > 0 ? (
        <p className="text-warn">{formatPlural(endpoint.subscribers, "open stream")} without an access token will close.</p>
      ) : null}
      {places.length > 0 ? (
        <p className="text-muted">
          Users log in at{" "}
          {places.map(({ id, name }, index) => (
            <span key={id}>
              {index > 0 ? ", " : ""}
              <Link href={`/p/${projectId}/endpoints/${id}/users`} className="font-mono text-data text-focus wrap-anywhere">
                {name}
              </Link>
            </span>
          ))}
          .
        </p>
      ) : endpoints ? (
        <>
          <p className="text-warn">This project has no authentication endpoint, so no one can log in. Only the master key gives access.</p>
          <Button onClick={() => setCreating(true)}>New authentication endpoint</Button>
        </>
      ) : null}
      <CreateEndpointDialog projectId={projectId} kind="authentication" open={creating} onOpenChange={setCreating} />
    </div>
  );
}
