/** Secrets to try an endpoint with: an access token, the master key. Kept in the page alone, until it is left. */

import { TextField } from "../components/field";
import type { Secret } from "../docs/call";

export interface Credentials {
  accessToken: string;
  masterKey: string;
}

export const NO_CREDENTIALS: Credentials = { accessToken: "", masterKey: "" };

/** The headers that carry them; those that are empty are not sent. */
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
  /** The endpoint looks at access tokens. */
  withToken: boolean;
  onChange: (credentials: Credentials) => void;
}) {
  return (
    <div className="grid grid-cols-2 gap-x-6 gap-y-4 max-sm:grid-cols-1">
      {withToken ? (
        <TextField
          label="Access token"
          hint="Of a user: log in with noATCookie, and take it from the Authorization header."
          type="password"
          autoComplete="off"
          mono
          value={credentials.accessToken}
          onChange={(event) => onChange({ ...credentials, accessToken: event.target.value.trim() })}
        />
      ) : null}
      <TextField
        label="Master key"
        hint="Skips access tokens, ownership and origins. It stays in this page."
        type="password"
        autoComplete="off"
        mono
        value={credentials.masterKey}
        onChange={(event) => onChange({ ...credentials, masterKey: event.target.value.trim() })}
      />
    </div>
  );
}
