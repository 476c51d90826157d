/** An endpoint's name, description and access, saved together. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useState } from "react";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import { suggestEndpointName } from "@/src/shared/text/names";
import { endpointQuery, endpointsQuery } from "../../api/queries";
import { requestJson } from "../../api/request";
import { TextAreaField, TextField } from "../../components/field";
import { Panel, Section } from "../../components/page/page";
import { bySchema } from "../../forms/by-schema";
import { FormDraftNote } from "../../forms/drafts/form-draft-note";
import { readFlag } from "../../forms/drafts/stored-state";
import { FormFoot } from "../../forms/form-foot";
import { NameField } from "../../forms/name-field";
import { useForm } from "../../forms/use-form";
import { notify } from "../../notifications/notify";
import { KIND_HINTS, KIND_LABELS } from "../kind-choice";
import { type Access, AccessSwitches } from "./access-switches";

export function EndpointForm({ endpoint }: { endpoint: EndpointDetail }) {
  const client = useQueryClient();
  const router = useRouter();
  const { kind, secure, othersCanRead, othersCanUpdate, othersCanDelete } = endpoint;
  // Only the switches that were used here are sent, so changes that others make in the meantime are kept.
  const [switched, setSwitched] = useState<Partial<Access>>({});
  const stored: Access = { secure, othersCanRead, othersCanUpdate, othersCanDelete };
  const access: Access = { ...stored, ...switched };
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).endpointPatchSchema),
    toBody: ({ name, description, fileCacheSeconds = "" }) => ({
      name,
      description,
      ...(kind === "authentication" ? {} : switched),
      ...(kind === "data" ? { fileCacheSeconds: Number(fileCacheSeconds) } : {}),
    }),
    draft: { name: `endpoint-settings/${endpoint.id}`, state: switched, restore: (state) => setSwitched(parseSwitches(state)) },
    submit: async (body) => {
      const saved = await requestJson<EndpointDetail>(`endpoints/${endpoint.id}`, { method: "PATCH", body });
      client.setQueryData(endpointQuery(endpoint.id).queryKey, saved);
      // A switch that was used while the request ran is still unsaved.
      setSwitched((current) => toDifference(saved, { ...saved, ...current }));
      void client.invalidateQueries({ queryKey: endpointsQuery(endpoint.projectId).queryKey });
      notify("Endpoint settings saved.");
      // The server renders the name in the frame of the page too.
      router.refresh();
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-10">
      <FormDraftNote draft={form.draft} what="these settings" />
      <Section title="Name and description">
        <Panel>
          <div className="flex flex-col gap-4">
            <NameField
              mono
              suggest={suggestEndpointName}
              name="name"
              label="Name"
              hint="1 to 254 lowercase letters, digits, “-” and “/”. Part of the URL: a new name closes open streams and breaks existing URLs."
              defaultValue={endpoint.name}
              problem={form.problemOf("name")}
            />
            <TextAreaField
              name="description"
              label="Description"
              hint="Optional. Shown only in the dashboard."
              defaultValue={endpoint.description}
              problem={form.problemOf("description")}
            />
            <div>
              <p className="font-medium">Kind: {KIND_LABELS[kind]}</p>
              <p className="text-muted">{KIND_HINTS[kind]} The kind can’t be changed after creation.</p>
            </div>
          </div>
        </Panel>
      </Section>
      <Section
        title="Access"
        note={
          kind === "email" ? undefined : (
            <>
              Rules, hidden fields and functions are on the page{" "}
              <Link href={`/p/${endpoint.projectId}/endpoints/${endpoint.id}/access`} className="text-focus underline underline-offset-2">
                Access
              </Link>
              .
            </>
          )
        }
      >
        {kind !== "authentication" ? (
          <AccessSwitches endpoint={endpoint} access={access} onChange={(next) => setSwitched(toDifference(stored, next))} />
        ) : (
          <Panel>
            <p className="text-muted">
              Anyone with a key can register and log in. Everything else needs an access token of this endpoint: users can read, change and
              stream their own account only. The master key gives access to all accounts.
            </p>
          </Panel>
        )}
      </Section>
      {kind === "data" ? (
        <Section
          title="Files"
          note="Browsers check with the server before they show a cached file. Public caches don’t, so they can show a deleted file until the time is over."
        >
          <Panel>
            <div className="max-w-[20rem]">
              <TextField
                name="fileCacheSeconds"
                label="Public cache time in seconds"
                inputMode="numeric"
                hint={
                  access.secure
                    ? "Applies only to endpoints that aren’t secure."
                    : "0 for no public cache. An hour is 3600, a day is 86400."
                }
                defaultValue={String(endpoint.fileCacheSeconds)}
                problem={form.problemOf("fileCacheSeconds")}
              />
            </div>
          </Panel>
        </Section>
      ) : null}
      <FormFoot
        form={form}
        note={kind === "data" ? "Saves the name, description, access and file settings." : "Saves the name, description and access."}
      />
    </form>
  );
}

const SWITCHES = ["secure", "othersCanRead", "othersCanUpdate", "othersCanDelete"] as const;

function parseSwitches(state: unknown): Partial<Access> {
  const switches: Partial<Access> = {};
  for (const name of SWITCHES) {
    const value = readFlag(state, name);
    if (value !== undefined) switches[name] = value;
  }
  return switches;
}

/** Returns the members of `next` that differ from `stored`. */
function toDifference(stored: Access, next: Access): Partial<Access> {
  const difference: Partial<Access> = {};
  for (const name of SWITCHES) {
    if (next[name] !== stored[name]) difference[name] = next[name];
  }
  return difference;
}
