/** Finds users of a project by what was typed: a name or a uniqueId. */
import type { QueryClient } from "@tanstack/react-query";
import type { AppUserView } from "@/src/shared/management/schemas";
import { appUsersQuery, endpointsQuery } from "./queries";

export interface ChosenUser {
  /** Null: nobody is logged in. */
  id: string | null;
  name: string;
}

export const NOBODY: ChosenUser = { id: null, name: "Nobody" };

/** Authentication endpoints that are searched. */
const PLACES_MAX = 10;

/** The users whose names contain `search`, by name, of each authentication endpoint the first ones. Throws RequestError. */
export async function searchUsers(client: QueryClient, projectId: string, search: string): Promise<AppUserView[]> {
  const endpoints = await client.fetchQuery({ ...endpointsQuery(projectId), staleTime: 10_000 });
  const places = endpoints.filter(({ kind }) => kind === "authentication").slice(0, PLACES_MAX);
  const pages = await Promise.all(places.map(({ id }) => client.fetchQuery(appUsersQuery(id, { search, after: "" }))));
  return pages.flatMap(({ users }) => users);
}

/** Returns the user with this uniqueId or name; an empty text is nobody. Undefined: there is no such user. Throws RequestError. */
export async function findUser(client: QueryClient, projectId: string, typed: string): Promise<ChosenUser | undefined> {
  const text = typed.trim();
  if (text === "") return NOBODY;
  if (/^[0-9a-f]{32}$/.test(text)) return { id: text, name: text };
  const users = await searchUsers(client, projectId, text);
  return users.find(({ name }) => name.toLowerCase() === text.toLowerCase());
}
