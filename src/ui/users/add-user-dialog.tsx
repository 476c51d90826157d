/** Adds a user with a password, or invites one by e-mail. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { AppUserView } from "@/src/shared/management/schemas";
import { APP_PASSWORD_LENGTH_MIN } from "@/src/shared/text/password-length";
import { userEmailsQuery } from "../api/queries";
import { type RequestError, toRequestError } from "../api/request-error";
import { Button } from "../components/button";
import { TextField } from "../components/field";
import { Dialog, DialogActions } from "../components/overlay/dialog";
import { Segments } from "../components/segments";
import { JsonEditor } from "../editor/json-editor";
import { FormFailure } from "../forms/form-failure";
import { parseJson } from "../json/json-tree";
import { notify } from "../notifications/notify";
import { createUser } from "./user-requests";

interface Props {
  endpointId: string;
  onClose: () => void;
  /** Called with the new user. */
  onAdded: (user: AppUserView) => void;
}

export function AddUserDialog({ endpointId, onClose, onAdded }: Props) {
  const [isDirty, setDirty] = useState(false);
  return (
    <Dialog
      wide
      open
      // A click beside the dialog does not lose typed text.
      onOpenChange={(open) => open || isDirty || onClose()}
      title="Add user"
    >
      <AddUserForm endpointId={endpointId} onClose={onClose} onAdded={onAdded} onDirty={() => setDirty(true)} />
    </Dialog>
  );
}

function AddUserForm({ endpointId, onClose, onAdded, onDirty }: Props & { onDirty: () => void }) {
  const { data: emails } = useQuery(userEmailsQuery(endpointId));
  const [nameField, setNameField] = useState<"email" | "username">("email");
  const [name, setName] = useState("");
  const [way, setWay] = useState<"password" | "invite">("password");
  const [password, setPassword] = useState("");
  const [fields, setFields] = useState("{}");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<RequestError>();
  const canInvite = nameField === "email" && emails?.canSend === true;
  const invite = canInvite && way === "invite";
  const problems = failure?.fields ?? {};
  const nameProblem =
    problems[nameField] ??
    problems[`data.${nameField}`] ??
    (failure?.code === "username_taken" || failure?.code === "credentials_missing" ? failure.message : undefined);
  const dataProblems =
    failure?.code === "schema_mismatch" ? Object.entries(problems).map(([pointer, message]) => ({ pointer, message })) : [];
  const isShown = nameProblem !== undefined || problems.password !== undefined || dataProblems.length > 0;

  const change =
    <Value,>(set: (value: Value) => void) =>
    (value: Value) => {
      set(value);
      setFailure(undefined);
      onDirty();
    };
  const add = async () => {
    const parsed = parseJson(fields.trim() === "" ? "{}" : fields);
    if (busy || !parsed.ok || parsed.node.kind !== "object") return;
    setBusy(true);
    setFailure(undefined);
    try {
      const user = await createUser(endpointId, {
        nameField,
        name,
        password: invite ? undefined : password,
        fields: fields.trim() === "" ? "{}" : fields,
      });
      notify(invite ? `${user.name} was added and receives an e-mail.` : `User ${user.name} added.`);
      onAdded(user);
    } catch (error) {
      setFailure(toRequestError(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void add();
      }}
      className="flex flex-col gap-4"
    >
      <Segments
        label="Logs in with"
        value={nameField}
        options={[
          { value: "email", label: "E-mail address" },
          { value: "username", label: "Username" },
        ]}
        onChange={change(setNameField)}
      />
      <TextField
        label={nameField === "email" ? "E-mail address" : "Username"}
        type={nameField === "email" ? "email" : "text"}
        value={name}
        autoCapitalize="none"
        onChange={(event) => change(setName)(event.target.value)}
        problem={nameProblem}
      />
      {canInvite ? (
        <Segments
          label="Password"
          value={way}
          options={[
            { value: "password", label: "Set one now" },
            { value: "invite", label: "Invite by e-mail" },
          ]}
          hint={
            way === "invite"
              ? "Sends the endpoint’s e-mail for a new password. Its link works for one hour; you can send another."
              : undefined
          }
          onChange={change(setWay)}
        />
      ) : null}
      {invite ? null : (
        <TextField
          label={canInvite ? "New password" : "Password"}
          // Visible, because the owner passes it on to the user.
          type="text"
          value={password}
          autoCapitalize="none"
          onChange={(event) => change(setPassword)(event.target.value)}
          hint={
            nameField === "email" && emails?.canSend === false
              ? `${APP_PASSWORD_LENGTH_MIN} or more characters. To invite users by e-mail, configure the project’s mail server.`
              : `${APP_PASSWORD_LENGTH_MIN} or more characters.`
          }
          problem={problems.password}
        />
      )}
      <JsonEditor
        label="Other fields"
        hint="For example roles, which access rules can use."
        value={fields}
        onChange={change(setFields)}
        problems={dataProblems}
        onSubmit={() => void add()}
        minHeight={80}
        maxHeight={240}
      />
      <FormFailure failure={isShown ? undefined : failure} />
      <DialogActions>
        <Button tone="primary" type="submit" busy={busy}>
          {invite ? "Invite user" : "Add user"}
        </Button>
        <Button onClick={onClose}>Cancel</Button>
      </DialogActions>
    </form>
  );
}
