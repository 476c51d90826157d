/** Steps that many browser tests share. */
import type { Page } from "playwright/test";
import type { RunningServer } from "./server";

export const ADMIN = { name: "Ada Lovelace", email: "ada@example.com", password: "correct horse battery" };

export interface FirstProject {
  project: { id: string };
  endpoint: { id: string; name: string };
  key: string;
}

/** Sets up the server, signs in and creates the first project, all through the API. The page's context is signed in afterwards. */
export async function signUpFirstAdmin(page: Page, server: RunningServer, storing = "sensor readings"): Promise<FirstProject> {
  const token = new URL(server.setupUrl ?? "").searchParams.get("token");
  const headers = { Origin: server.url };
  const setup = await page.request.post(`${server.url}/api/manage/setup`, { headers, data: { token, ...ADMIN } });
  if (!setup.ok()) throw new Error(`setup responded with ${setup.status()}: ${await setup.text()}`);
  await signIn(page, server);
  const start = await page.request.post(`${server.url}/api/manage/start`, { headers, data: { name: storing } });
  if (!start.ok()) throw new Error(`start responded with ${start.status()}: ${await start.text()}`);
  const { project, endpoint, key } = await start.json();
  return { project, endpoint, key: key.key };
}

/** Signs in through next-auth's endpoints. */
export async function signIn(
  page: Page,
  server: RunningServer,
  { email, password }: { email: string; password: string } = ADMIN,
): Promise<void> {
  const { csrfToken } = await (await page.request.get(`${server.url}/api/auth/csrf`)).json();
  const response = await page.request.post(`${server.url}/api/auth/callback/credentials`, {
    form: { csrfToken, email, password, json: "true" },
  });
  if (!response.ok()) throw new Error(`sign-in responded with ${response.status()}: ${await response.text()}`);
}
