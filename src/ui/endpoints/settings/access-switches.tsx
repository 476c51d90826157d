/** Who gets into a data endpoint, and what users may do with each other's records (S1, S2). It must not save. */
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
  { field: "othersCanRead", label: "Others can read", hint: "Users also read and stream records that are not theirs." },
  { field: "othersCanUpdate", label: "Others can update", hint: "Users also change records that are not theirs." },
  { field: "othersCanDelete", label: "Others can delete", hint: "Users also delete records that are not theirs." },
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
            hint={
              <>
                Off: every key of the project gets in. On: a request or a socket also needs the access token of a logged-in user, or the
                master key, and a record belongs to the user who made it.
              </>
            }
            checked={access.secure}
            onChange={(secure) => onChange({ ...access, secure })}
          />
          {access.secure ? <WhereUsersLogIn endpoint={endpoint} /> : null}
        </div>
        {OTHERS.map(({ field, label, hint }) => (
          <Switch
            key={field}
            label={label}
            hint={access.secure ? hint : `${hint} Acts on secure endpoints only.`}
            checked={access[field]}
            disabled={!access.secure}
            onChange={(checked) => onChange({ ...access, [field]: checked })}
          />
        ))}
      </div>
    </Panel>
  );
}

/** The authentication endpoints of the project, or a way to make the first one; and what happens to those who listen now. */
function WhereUsersLogIn({ endpoint }: { endpoint: EndpointDetail }) {
  const { projectId } = endpoint;
  const { data: endpoints } = useQuery(endpointsQuery(projectId));
  const [creating, setCreating] = useState(false);
  const places = endpoints?.filter(({ kind }) => kind === "authentication") ?? [];
  return (
    <div className="flex flex-col items-start gap-2 pb-3">
      {!endpoint.secure && endpoint.subscribers > 0 ? (
        <p className="text-warn">{formatPlural(endpoint.subscribers, "open socket")} will close: they have no access token.</p>
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
          <p className="text-warn">This project has no authentication endpoint, so nobody can log in: only the master key gets in.</p>
          <Button onClick={() => setCreating(true)}>New authentication endpoint</Button>
        </>
      ) : null}
      <CreateEndpointDialog projectId={projectId} kind="authentication" open={creating} onOpenChange={setCreating} />
    </div>
  );
}
