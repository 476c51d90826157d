/** An endpoint's name, description and access, saved together. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useState } from "react";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import { suggestEndpointName } from "@/src/shared/text/names";
import { endpointQuery, endpointsQuery } from "../../api/queries";
import { requestJson } from "../../api/request";
import { TextAreaField, TextField } from "../../components/field";
import { Panel, Section } from "../../components/page/page";
import { bySchema } from "../../forms/by-schema";
import { FormFailure } from "../../forms/form-failure";
import { NameField } from "../../forms/name-field";
import { SubmitButton } from "../../forms/submit-button";
import { useForm } from "../../forms/use-form";
import { notify } from "../../notifications/notify";
import { KIND_HINTS, KIND_LABELS } from "../kind-choice";
import { type Access, AccessSwitches } from "./access-switches";

export function EndpointForm({ endpoint }: { endpoint: EndpointDetail }) {
  const client = useQueryClient();
  const router = useRouter();
  const { kind, secure, othersCanRead, othersCanUpdate, othersCanDelete } = endpoint;
  const [access, setAccess] = useState<Access>({ secure, othersCanRead, othersCanUpdate, othersCanDelete });
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).endpointPatchSchema),
    toBody: ({ name, description, fileCacheSeconds = "" }) => ({
      name,
      description,
      ...(kind === "data" ? { ...access, fileCacheSeconds: Number(fileCacheSeconds) } : {}),
    }),
    submit: async (body) => {
      const saved = await requestJson<EndpointDetail>(`endpoints/${endpoint.id}`, { method: "PATCH", body });
      client.setQueryData(endpointQuery(endpoint.id).queryKey, saved);
      void client.invalidateQueries({ queryKey: endpointsQuery(endpoint.projectId).queryKey });
      notify("Saved the endpoint's settings.");
      // The name stands in the frame of the page too, which the server drew.
      router.refresh();
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-10">
      <Section title="Name and description">
        <Panel>
          <div className="flex flex-col gap-4">
            <NameField
              mono
              suggest={suggestEndpointName}
              name="name"
              label="Name"
              hint="1 to 254 lowercase letters, digits, “-” and “/”. It is part of the address: a new name ends open sockets and breaks URLs in use."
              defaultValue={endpoint.name}
              problem={form.problemOf("name")}
            />
            <TextAreaField
              name="description"
              label="Description"
              hint="For people who work on this project."
              defaultValue={endpoint.description}
              problem={form.problemOf("description")}
            />
            <div>
              <p className="font-medium">Kind: {KIND_LABELS[kind]}</p>
              <p className="text-muted">
                {KIND_HINTS[kind]} It can't be changed: accounts follow other rules than other records, and the one must never become the
                other.
              </p>
            </div>
          </div>
        </Panel>
      </Section>
      <Section title="Access">
        {kind === "data" ? (
          <AccessSwitches endpoint={endpoint} access={access} onChange={setAccess} />
        ) : (
          <Panel>
            <p className="text-muted">
              Anybody with a key can register and log in. All else needs an access token of this endpoint: a user sees, changes and streams
              its own account, and nobody else's. The master key opens all of them.
            </p>
          </Panel>
        )}
      </Section>
      {kind === "data" ? (
        <Section
          title="Files"
          note="Browsers keep files, and ask each time whether they may still use them. A public cache answers without asking: a deleted file may be shown until its time is over."
        >
          <Panel>
            <div className="max-w-[20rem]">
              <TextField
                name="fileCacheSeconds"
                label="Public cache, in seconds"
                inputMode="numeric"
                hint={access.secure ? "Acts on endpoints that are not secure only." : "0: none. 3600 is an hour, 86400 a day."}
                defaultValue={String(endpoint.fileCacheSeconds)}
                problem={form.problemOf("fileCacheSeconds")}
              />
            </div>
          </Panel>
        </Section>
      ) : null}
      <div className="-mt-4 flex flex-col items-start gap-3">
        <FormFailure failure={form.failure} />
        <SubmitButton form={form}>Save changes</SubmitButton>
      </div>
    </form>
  );
}
