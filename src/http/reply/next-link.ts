/** The `Link` to a list's next page (R3; RFC 8288). It must not carry what proves who asks: links are kept and passed on. */
import { toEndpointPath } from "@/src/shared/streams/protocol";

/** The key stays: it is no secret (U7). */
const SECRETS = ["masterKey", "accessToken", "ticket"];

/** The header's value: the request's own path and parameters, with another cursor. */
export function toNextLink({
  endpointName,
  parameters,
  cursor,
}: {
  endpointName: string;
  parameters: URLSearchParams;
  cursor: string;
}): string {
  const next = new URLSearchParams(parameters);
  for (const secret of SECRETS) next.delete(secret);
  next.set("cursor", cursor);
  return `<${toEndpointPath(endpointName)}?${next}>; rel="next"`;
}
