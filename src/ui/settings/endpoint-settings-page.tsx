/** An endpoint's name, description, access and end. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useState } from "react";
import type { EndpointDetail } from "@/src/shared/management";
import { endpointQuery, endpointsQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Button } from "../components/button";
import { TextAreaField, TextField } from "../components/field";
import { Panel, Section } from "../components/page";
import { Switch } from "../components/switch";
import { formatPlural } from "../format/number";
import { bySchema } from "../forms/by-schema";
import { FormFailure } from "../forms/form-failure";
import { NameConfirmation } from "../forms/name-confirmation";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";
import { notify } from "../notifications/notify";

const SWITCHES = [
  {
    field: "secure",
    label: "Secure",
    hint: "Only the master key opens it for now; sign-in for the users of an application comes with a later release.",
  },
  {
    field: "othersCanRead",
    label: "Others can read",
    hint: "On a secure endpoint, users also read and stream records that they did not create.",
  },
  {
    field: "othersCanUpdate",
    label: "Others can update",
    hint: "On a secure endpoint, users also update records that they did not create.",
  },
  {
    field: "othersCanDelete",
    label: "Others can delete",
    hint: "On a secure endpoint, users also delete records that they did not create.",
  },
] as const;

type Access = Pick<EndpointDetail, (typeof SWITCHES)[number]["field"]>;

export function EndpointSettingsPage({ endpoint }: { endpoint: EndpointDetail }) {
  return (
    <div className="mx-auto flex w-full max-w-[52rem] flex-col gap-10 px-6 py-8 max-md:px-4">
      <EndpointForm endpoint={endpoint} />
      <DeleteEndpoint endpoint={endpoint} />
    </div>
  );
}

function EndpointForm({ endpoint }: { endpoint: EndpointDetail }) {
  const client = useQueryClient();
  const router = useRouter();
  const { secure, othersCanRead, othersCanUpdate, othersCanDelete } = endpoint;
  const [access, setAccess] = useState<Access>({ secure, othersCanRead, othersCanUpdate, othersCanDelete });
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management")).endpointPatchSchema),
    toBody: ({ name, description }) => ({ name, description, ...access }),
    submit: async (body) => {
      await requestJson(`endpoints/${endpoint.id}`, { method: "PATCH", body });
      void client.invalidateQueries({ queryKey: endpointQuery(endpoint.id).queryKey });
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
            <TextField
              mono
              name="name"
              label="Name"
              hint="5 to 254 lowercase letters, digits, “-” and “/”. It is part of the address: a new name ends open sockets and breaks URLs in use."
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
          </div>
        </Panel>
      </Section>
      <Section title="Access">
        <Panel>
          <div className="-my-3 flex flex-col divide-y">
            {SWITCHES.map(({ field, label, hint }) => (
              <Switch
                key={field}
                label={label}
                hint={hint}
                checked={access[field]}
                onChange={(checked) => setAccess((before) => ({ ...before, [field]: checked }))}
              />
            ))}
          </div>
        </Panel>
      </Section>
      <div className="-mt-4 flex flex-col items-start gap-3">
        <FormFailure failure={form.failure} />
        <SubmitButton form={form}>Save changes</SubmitButton>
      </div>
    </form>
  );
}

function DeleteEndpoint({ endpoint: initial }: { endpoint: EndpointDetail }) {
  const client = useQueryClient();
  const router = useRouter();
  const [open, setOpen] = useState(false);
  // While the dialog is open the number of sockets must be true.
  const { data: endpoint } = useQuery({ ...endpointQuery(initial.id), initialData: initial, refetchInterval: open ? 2000 : false });
  const remove = async () => {
    await requestJson(`endpoints/${endpoint.id}`, { method: "DELETE" });
    notify(`Deleted ${endpoint.name}.`);
    void client.invalidateQueries({ queryKey: endpointsQuery(endpoint.projectId).queryKey });
    router.push(`/p/${endpoint.projectId}/endpoints`);
    router.refresh();
  };
  return (
    <Section title="Delete this endpoint" note="Its records and its log go with it, for good.">
      <div>
        <Button onClick={() => setOpen(true)}>Delete endpoint</Button>
      </div>
      <NameConfirmation
        open={open}
        onOpenChange={setOpen}
        title="Delete endpoint"
        name={endpoint.name}
        action="Delete endpoint"
        consequences={
          <>
            <p>
              {formatPlural(endpoint.recordCount, "record")} and the log of {formatPlural(endpoint.changeCount, "change")} go with it. This
              can't be undone.
            </p>
            <p className={endpoint.subscribers > 0 ? "text-warn" : undefined}>
              {endpoint.subscribers === 1
                ? "1 socket is open and will close."
                : `${endpoint.subscribers || "No"} sockets are open${endpoint.subscribers > 0 ? " and will close" : ""}.`}
            </p>
          </>
        }
        onConfirm={remove}
      />
    </Section>
  );
}
