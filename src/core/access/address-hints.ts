/** Describes errors in the form of an address (U1, U3). Only the request is examined, so a hint cannot reveal whether a key or an endpoint exists. */
import type { RequestHeaders } from "@/src/core/access/access-request";
import type { QueryParameters } from "@/src/shared/http/query";
import { endpointNameProblem } from "@/src/shared/text/names";

/** Common wrong names for the key parameter, compared without case, "-" and "_". "key" is listed for its other spellings, such as "Key". */
const KEY_NAMES: ReadonlySet<string> = new Set(["key", "apikey", "xapikey", "accesskey", "projectkey", "restedkey", "token", "apitoken"]);
const KEY_HEADERS = ["x-apikey", "apikey", "api-key", "x-key", "key", "x-access-key"];
/** A uniqueId, with or without the dashes of a UUID. */
const ID = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/**
 * Names the place where a request without a key may have put it. Undefined if nothing looks like a key. The fix comes first because a close reason
 * has at most 123 bytes.
 */
export function findMisplacedKey(parameters: QueryParameters, headers: RequestHeaders): string | undefined {
  for (const [name] of parameters) {
    if (name.length <= 16 && KEY_NAMES.has(name.toLowerCase().replaceAll(/[-_]/g, "")))
      return `Use the parameter key instead of ${name}: ?key=<your key>. The API key is missing.`;
  }
  const header = KEY_HEADERS.find((name) => headers[name] !== undefined);
  if (header !== undefined)
    return `Use the header X-API-Key instead of ${header}, or add ?key=<your key> to the URL. The API key is missing.`;
  if (headers.authorization !== undefined)
    return "Send the API key as ?key=<your key> or X-API-Key. Authorization carries the access token of a user of the application.";
  return undefined;
}

/** How to fix an endpoint name that cannot exist. Undefined if the name is well-formed. */
export function findNameHint(endpointName: string): string | undefined {
  if (endpointName === "") return "The URL has no endpoint name. Use /api/1/ce/<endpoint>?key=<your key>.";
  const slash = endpointName.lastIndexOf("/");
  if (slash > 0 && ID.test(endpointName.slice(slash + 1)))
    return "Send the record's id as ?uniqueId=<id>, not in the path: /api/1/ce/<endpoint>?uniqueId=<id>. The endpoint or the key is not valid.";
  if (slash > 0 && slash === endpointName.length - 1)
    return "Remove the slash at the end of the path. The endpoint or the key is not valid.";
  const problem = endpointNameProblem(endpointName);
  return problem && `The endpoint name in the URL is not valid. ${problem}`;
}

/** How to fix a key that has the form of another secret. Undefined if it can be a key. The text does not contain the secret. */
export function findKeyHint(key: string | undefined): string | undefined {
  if (key?.startsWith("mk_")) return "Send the master key as X-Master-Key, together with an API key as ?key=<your key> or X-API-Key.";
  if (key?.startsWith("rst_")) return "Send one of the project's keys as ?key=<your key>. A management token works only for /api/manage.";
  return undefined;
}
