import AxeBuilder from "@axe-core/playwright";
import { expect as expectSoon, type Page, test } from "playwright/test";
import { ADMIN, type FirstProject, signUpFirstAdmin } from "../support/dashboard";
import { type RunningServer, startServer } from "../support/server";

test.setTimeout(240_000);

/** Sign-ins and editors take longer than other steps. */
const expect = expectSoon.configure({ timeout: 30_000 });

const BOB = { name: "Bob Noyce", email: "bob@example.com", password: "another horse battery" };

let server: RunningServer;
let first: FirstProject;
test.beforeEach(async ({ page }) => {
  server = await startServer({ env: { RESTED_SIGNUP: "open" } });
  first = await signUpFirstAdmin(page, server);
});
test.afterEach(() => server.dispose());

const toPage = (path: string) => `${server.url}/p/${first.project.id}/endpoints/${first.endpoint.id}/${path}`;

async function signInHere(page: Page, { email, password }: { email: string; password: string }): Promise<void> {
  const dialog = page.getByRole("dialog", { name: /Your session ended|Another account is signed in/ });
  await dialog.getByLabel("E-mail").fill(email);
  await dialog.getByLabel("Password").fill(password);
  await dialog.getByRole("button", { name: "Sign in" }).click();
}

test("[G33] a session that ends keeps the page: sign in there, and what was interrupted is sent", async ({ page }) => {
  await page.goto(toPage("records"));
  await page.getByRole("button", { name: "New record" }).first().click();
  const editor = page.getByRole("textbox", { name: "JSON" });
  await editor.click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText('{"typed": "before"}');
  await page.context().clearCookies();

  // The page notices by itself, and stays.
  await expect(page.getByText("Your session ended.")).toBeVisible();
  await page.getByRole("button", { name: "Create record" }).click();
  const dialog = page.getByRole("dialog", { name: "Your session ended" });
  await expect(dialog.getByLabel("E-mail")).toHaveValue(ADMIN.email);
  await expect(dialog.getByLabel("Password")).toBeFocused();

  // A dialog that is closed leaves the text, and a way to sign in.
  await dialog.getByRole("button", { name: "Not now" }).click();
  await expect(page.getByText("Your session ended. Sign in, then try again.")).toBeVisible();
  await expect(editor).toContainText('{"typed": "before"}');
  await page.getByRole("button", { name: "Create record" }).click();
  await signInHere(page, { ...ADMIN, password: "wrong horse battery" });
  await expect(dialog.getByText("Incorrect e-mail or password.")).toBeVisible();
  await signInHere(page, ADMIN);

  // The same action was sent again.
  await expect(page.getByRole("region", { name: "Record", exact: true })).toContainText("before");
  await expect(page.getByText("Your session ended.")).toHaveCount(0);
  expect(new URL(page.url()).pathname).toMatch(/\/records$/);
  const records = await page.request.get(`${server.url}/api/manage/endpoints/${first.endpoint.id}/records`);
  expect((await records.json()).records).toHaveLength(1);
});

test("[G1] [G33] signing in as another account sends nothing, also from another tab", async ({ page, context }) => {
  const rename = async (name: string) => {
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByRole("button", { name: "Save changes" }).click();
  };
  const signup = await page.request.post(`${server.url}/api/manage/signup`, { headers: { Origin: server.url }, data: BOB });
  expect(signup.ok()).toBe(true);
  await page.goto(`${server.url}/p/${first.project.id}/settings`);
  await context.clearCookies();
  await rename("Renamed by Ada");
  await signInHere(page, BOB);
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText(`You signed in as ${BOB.email}, but this page belongs to ${ADMIN.email}.`)).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Leave this page" })).toBeVisible();
  await signInHere(page, ADMIN);
  await expect(page.getByText("Project settings saved.").first()).toBeVisible();

  // Bob signs in in another tab: the page of Ada says so, and keeps her changes.
  const other = await context.newPage();
  await context.clearCookies();
  await other.goto(`${server.url}/login`);
  await other.getByLabel("E-mail").fill(BOB.email);
  await other.getByLabel("Password").fill(BOB.password);
  await other.getByRole("button", { name: "Sign in" }).click();
  await expect(other).toHaveURL(/\/projects/);
  await rename("Renamed again");
  await expect(page.getByRole("dialog", { name: "Another account is signed in" })).toBeVisible();
  await signInHere(page, ADMIN);
  // The notice of the first time can still be there.
  const readProject = async () => (await page.request.get(`${server.url}/api/manage/projects/${first.project.id}`)).json();
  await expect.poll(readProject).toMatchObject({ name: "Renamed again" });
});

test("[G33] a link that is opened without a session asks to sign in on the page, and then opens", async ({ page, context }) => {
  await page.goto(toPage("live"));
  await expect(page.getByRole("heading", { name: "Waiting for the first record" })).toBeVisible();
  await context.clearCookies();
  await page.getByRole("link", { name: "Keys" }).click();
  await signInHere(page, ADMIN);
  await expect(page.getByRole("heading", { name: "Keys", exact: true })).toBeVisible();
});

test("[G33] a dialog below the sign-in stays open, with what was entered", async ({ page, context }) => {
  await page.goto(`${server.url}/p/${first.project.id}/keys`);
  await page.getByRole("button", { name: "Create key" }).click();
  const create = page.getByRole("dialog", { name: "Create a key" });
  await create.getByLabel("Name", { exact: true }).fill("Lab sensors");
  await context.clearCookies();
  await create.getByRole("button", { name: "Create key" }).click();
  await signInHere(page, ADMIN);
  await expect(page.getByRole("row", { name: /Lab sensors/ })).toBeVisible();
});

test("[G33] while the server does not respond, the console stays, and a link opens when it responds again", async ({ page }) => {
  await page.request.post(`${server.url}/api/1/ce/${first.endpoint.name}?key=${first.key}`, { data: { kept: "in the list" } });
  await page.goto(toPage("live"));
  await expect(page.getByText("in the list").first()).toBeVisible();
  const port = Number(new URL(server.url).port);
  await server.stop();
  await expect(page.getByText("The server isn’t responding. Trying again…")).toBeVisible();
  await page.getByRole("link", { name: "Keys" }).click();
  await expect(page.getByText("The page that you chose opens as soon as it responds.")).toBeVisible();
  await expect(page.getByText("in the list").first()).toBeVisible();

  server = await startServer({ dataDir: server.dataDir, port, env: { RESTED_SIGNUP: "open" } });
  await expect(page.getByRole("heading", { name: "Keys", exact: true })).toBeVisible();
  await expect(page.getByText("The server isn’t responding. Trying again…")).toHaveCount(0);
});

test("axe finds nothing in the notes and dialogs about unsaved work and ended sessions", async ({ page, context }) => {
  const expectClean = async (state: string) => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const find = async () => {
        const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]).analyze();
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
      };
      await expect.poll(find, { message: `${state} ${colorScheme}`, timeout: 20_000 }).toEqual([]);
    }
  };
  const description = page.getByLabel("Description");
  await page.goto(toPage("settings"));
  await description.fill("Mine");
  await page.goto(toPage("api"));
  await page.goto(toPage("settings"));
  await expect(page.getByText(/^Your unsaved changes of/)).toBeVisible();
  await expectClean("restored");
  const headers = { Origin: server.url };
  const theirs = await page.request.patch(`${server.url}/api/manage/endpoints/${first.endpoint.id}`, {
    headers,
    data: { description: "Theirs" },
  });
  expect(theirs.ok()).toBe(true);
  await page.reload();
  await expect(page.getByRole("list", { name: "Differences" })).toContainText("Theirs");
  await expectClean("conflict");
  await page.getByRole("button", { name: "Keep mine" }).click();
  await expect(description).toHaveValue("Mine");
  await context.clearCookies();
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByRole("dialog", { name: "Your session ended" })).toBeVisible();
  await expectClean("sign-in");
  await page.getByRole("button", { name: "Not now" }).click();
  await expect(page.getByText("Your session ended. Sign in, then try again.")).toBeVisible();
  await expectClean("ended");
});
