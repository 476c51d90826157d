/** Which endpoint the first steps are taken at. Pure. */
import type { ManagedEndpoint } from "@/src/shared/management/schemas";

/** One that takes a record from whoever has a key, if there is one: elsewhere the pasted line would be refused. */
export function chooseFirstEndpoint<T extends Pick<ManagedEndpoint, "kind" | "secure">>(endpoints: readonly T[]): T | undefined {
  return endpoints.find(({ kind, secure }) => kind === "data" && !secure) ?? endpoints[0];
}
