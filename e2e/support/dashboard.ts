/** Steps that many browser tests share, taken as a person would take them. */
import type { Page } from "playwright/test";
import type { RunningServer } from "./server";

export const ADMIN = { name: "Ada Lovelace", email: "ada@example.com", password: "correct horse battery" };

export interface FirstProject {
  project: { id: string };
  endpoint: { id: string; name: string };
  key: string;
}

/** Goes through set-up and sign-in by the API, then makes the first project; the page's context is signed in afterwards. */
export async function signUpFirstAdmin(page: Page, server: RunningServer, storing = "sensor readings"): Promise<FirstProject> {
  const token = new URL(server.setupUrl ?? "").searchParams.get("token");
  const headers = { Origin: server.url };
  const setup = await page.request.post(`${server.url}/api/manage/setup`, { headers, data: { token, ...ADMIN } });
  if (!setup.ok()) throw new Error(`set-up answered ${setup.status()}: ${await setup.text()}`);
  await signIn(page, server);
  const start = await page.request.post(`${server.url}/api/manage/start`, { headers, data: { name: storing } });
  if (!start.ok()) throw new Error(`start answered ${start.status()}: ${await start.text()}`);
  const { project, endpoint, key } = await start.json();
  return { project, endpoint, key: key.key };
}

/** Signs in through next-auth's own endpoints. */
export async function signIn(
  page: Page,
  server: RunningServer,
  { email, password }: { email: string; password: string } = ADMIN,
): Promise<void> {
  const { csrfToken } = await (await page.request.get(`${server.url}/api/auth/csrf`)).json();
  const answer = await page.request.post(`${server.url}/api/auth/callback/credentials`, {
    form: { csrfToken, email, password, json: "true" },
  });
  if (!answer.ok()) throw new Error(`sign-in answered ${answer.status()}: ${await answer.text()}`);
}
