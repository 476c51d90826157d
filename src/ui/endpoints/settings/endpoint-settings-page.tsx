/** An endpoint's settings: name, access, e-mails, schema, deletion. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { endpointQuery } from "../../api/queries";
import { ButtonLink } from "../../components/button-link";
import { Section } from "../../components/page/page";
import { DeleteEndpoint } from "./delete-endpoint";
import { EndpointForm } from "./endpoint-form";
import { SchemaSection } from "./schema-section";
import { UserEmailsSection } from "./user-emails-section";

function EmailNote({ projectId }: { projectId: string }) {
  return (
    <Section
      title="E-mail"
      note="The mail server, the sender and the allowed recipients are the same for all e-mail endpoints of the project."
    >
      <div>
        <ButtonLink href={`/p/${projectId}/settings`}>Open the e-mail configuration</ButtonLink>
      </div>
    </Section>
  );
}

export function EndpointSettingsPage({ endpointId }: { endpointId: string }) {
  const { data: endpoint } = useQuery(endpointQuery(endpointId));
  if (!endpoint) return null;
  return (
    <div className="mx-auto flex w-full max-w-[52rem] flex-col gap-10 px-6 py-8 max-md:px-4">
      <EndpointForm endpoint={endpoint} />
      {endpoint.kind === "authentication" ? <UserEmailsSection endpoint={endpoint} /> : null}
      {endpoint.kind === "email" ? <EmailNote projectId={endpoint.projectId} /> : <SchemaSection endpoint={endpoint} />}
      <DeleteEndpoint endpoint={endpoint} />
    </div>
  );
}
