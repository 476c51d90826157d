/** An endpoint's settings: name, access, e-mails, schema, deletion. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { endpointQuery } from "../../api/queries";
import { DeleteEndpoint } from "./delete-endpoint";
import { EndpointForm } from "./endpoint-form";
import { SchemaSection } from "./schema-section";
import { UserEmailsSection } from "./user-emails-section";

export function EndpointSettingsPage({ endpointId }: { endpointId: string }) {
  const { data: endpoint } = useQuery(endpointQuery(endpointId));
  if (!endpoint) return null;
  return (
    <div className="mx-auto flex w-full max-w-[52rem] flex-col gap-10 px-6 py-8 max-md:px-4">
      <EndpointForm endpoint={endpoint} />
      {endpoint.kind === "authentication" ? <UserEmailsSection endpoint={endpoint} /> : null}
      <SchemaSection endpoint={endpoint} />
      <DeleteEndpoint endpoint={endpoint} />
    </div>
  );
}
