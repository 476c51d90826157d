/** The facts of the current request that server components need. proxy.ts sets the headers. */
import { headers } from "next/headers";
import { type ClientInfo, readClientInfo, toOrigin } from "./manage/client-info";

/** Path and query as shown in the browser; `/projects` where proxy.ts did not run (prefetches). */
export async function getCurrentPage(): Promise<string> {
  return (await headers()).get("x-page") ?? "/projects";
}

/** The client, as the request's headers describe it. */
export async function getClientInfo(publicUrl: string | undefined): Promise<ClientInfo> {
  return readClientInfo({ headers: await headers(), publicUrl });
}

/** The origin at which the browser reaches this server, like `https://example.com`. A configured `publicUrl` takes precedence. */
export async function getOrigin(publicUrl: string | undefined): Promise<string> {
  return toOrigin({ headers: await headers(), publicUrl });
}
