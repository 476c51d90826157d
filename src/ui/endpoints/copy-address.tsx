/** Copies the address of an endpoint in a form that works when it is pasted: with a key that lasts. Other forms are in a menu. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { ChevronDown } from "lucide-react";
import { type EndpointKind, toEndpointPath } from "@/src/shared/streams/protocol";
import { keysQuery } from "../api/queries";
import { CopyButton, copyText } from "../components/copy-button";
import { Menu, MenuItem } from "../components/overlay/menu";
import { notify } from "../notifications/notify";
import { KEY_PLACEHOLDER, preferredKey } from "../snippets/choose-target";
import { toHttpUrl, toStreamUrl } from "../snippets/snippets";

interface Props {
  projectId: string;
  origin: string;
  name: string;
  kind: EndpointKind;
}

export function CopyAddress({ projectId, origin, name, kind }: Props) {
  const { data: keys = [] } = useQuery(keysQuery(projectId));
  const key = preferredKey(keys, Date.now());
  const target = { origin, endpointName: name, key: key?.key ?? KEY_PLACEHOLDER };
  const withKey = key ? " with the key" : "";
  const forms = [
    { label: `HTTP URL${withKey}`, text: toHttpUrl(target) },
    // E-mails are sent over HTTP only, but their records are streamed too.
    ...(kind === "email" ? [] : [{ label: `WebSocket URL${withKey}`, text: toStreamUrl(target) }]),
    { label: "Path", text: toEndpointPath(name) },
  ];
  const copy = async ({ label, text }: (typeof forms)[number]) => {
    const done = await copyText(text);
    notify(done ? `Copied the ${label}.` : "Couldn’t copy. Select the text and copy it yourself.");
  };
  return (
    <div className="flex shrink-0 items-center">
      <CopyButton text={toHttpUrl(target)} what={`the endpoint’s URL${withKey}`} />
      <Menu
        side="below"
        label="Copy another form of the address"
        triggerClass="grid size-6 place-items-center rounded-sm text-muted transition-colors duration-[120ms] hover:bg-hover hover:text-text pointer-coarse:size-11"
        trigger={<ChevronDown className="size-3" aria-hidden="true" />}
      >
        {forms.map((form) => (
          <MenuItem key={form.label} onClick={() => void copy(form)}>
            {form.label}
          </MenuItem>
        ))}
      </Menu>
    </div>
  );
}
