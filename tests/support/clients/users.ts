/** Creates users of an application as its front-end does: over HTTP, at an authentication endpoint. */

/** An authentication endpoint: the server's `http://…`, and the endpoint's path with the key (Seed.path). */
export interface UsersEndpoint {
  origin: string;
  path: string;
}

export interface TestUser {
  /** The uniqueId of the user's record. */
  id: string;
  username: string;
  password: string;
  /** An access token. */
  token: string;
  /** The `Authorization` header, for fetch. */
  headers: { Authorization: string };
}

export const PASSWORD = "correct horse battery";

let count = 0;

/** Registers a user and logs it in. `data`: further fields. */
export async function createUser(
  endpoint: UsersEndpoint,
  { username = `user-${++count}`, password = PASSWORD, data = {} }: { username?: string; password?: string; data?: object } = {},
): Promise<TestUser> {
  const id = await registerUser(endpoint, { username, password, ...data });
  const token = await logIn(endpoint, { username, password });
  return { id, username, password, token, headers: { Authorization: `Bearer ${token}` } };
}

/** Registers a user and returns its uniqueId. Throws if the server refuses. */
export async function registerUser(endpoint: UsersEndpoint, body: object): Promise<string> {
  const answer = await sendJson(endpoint, "", body);
  const record: { uniqueId?: string } = await answer.json();
  if (answer.status !== 201 || record.uniqueId === undefined)
    throw new Error(`A user was not registered: ${answer.status} ${JSON.stringify(record)}`);
  return record.uniqueId;
}

/** Logs a user in and returns an access token. Throws if the server refuses. */
export async function logIn(endpoint: UsersEndpoint, body: { username?: string; email?: string; password: string }): Promise<string> {
  const answer = await sendJson(endpoint, "&login=true&noATCookie=true", body);
  const token = /^Bearer (\S+)$/.exec(answer.headers.get("authorization") ?? "")?.[1];
  if (token === undefined) throw new Error(`A user was not logged in: ${answer.status} ${await answer.text()}`);
  return token;
}

/** Logs a user out. Throws if the server refuses. */
export async function logOut(endpoint: UsersEndpoint, token: string): Promise<void> {
  const answer = await sendJson(endpoint, "&logout=true", undefined, { Authorization: `Bearer ${token}` });
  if (!answer.ok) throw new Error(`A user was not logged out: ${answer.status} ${await answer.text()}`);
}

function sendJson({ origin, path }: UsersEndpoint, query: string, body?: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${origin}${path}${query}`, {
    method: "POST",
    headers: { ...(body ? { "Content-Type": "application/json" } : {}), ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
}
