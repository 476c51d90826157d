/** Fields for the access token and the master key that requests are tried with. The secrets are kept in memory only. */

import { TextField } from "../components/field";
import type { Secret } from "../docs/call";

export interface Credentials {
  accessToken: string;
  masterKey: string;
}

export const NO_CREDENTIALS: Credentials = { accessToken: "", masterKey: "" };

/** The headers for the secrets. Empty ones are not sent. */
export function toSecrets({ accessToken, masterKey }: Credentials): Secret[] {
  return [
    ...(accessToken === "" ? [] : [{ header: "Authorization", prefix: "Bearer ", value: accessToken, variable: "ACCESS_TOKEN" }]),
    ...(masterKey === "" ? [] : [{ header: "X-Master-Key", prefix: "", value: masterKey, variable: "MASTER_KEY" }]),
  ];
}

export function CredentialFields({
  credentials,
  withToken,
  onChange,
}: {
  credentials: Credentials;
  /** Whether the endpoint accepts access tokens. */
  withToken: boolean;
  onChange: (credentials: Credentials) => void;
}) {
  return (
    <div className="flex max-w-[28rem] flex-col gap-3">
      {withToken ? (
        <TextField
          label="Access token"
          hint="A user’s token: log in with noATCookie=true and copy it from the Authorization response header."
          type="password"
          autoComplete="off"
          mono
          value={credentials.accessToken}
          onChange={(event) => onChange({ ...credentials, accessToken: event.target.value.trim() })}
        />
      ) : null}
      {/* Folded, because a master key is for servers. */}
      <details>
        <summary className="w-fit rounded-sm py-1 text-muted hover:text-text">Use the master key</summary>
        <div className="pt-2">
          <TextField
            label="Master key"
            hint="Bypasses access tokens, ownership and origins. Never leaves this page except in requests you send."
            type="password"
            autoComplete="off"
            mono
            value={credentials.masterKey}
            onChange={(event) => onChange({ ...credentials, masterKey: event.target.value.trim() })}
          />
        </div>
      </details>
    </div>
  );
}
