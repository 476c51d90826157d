import { expect as expectSoon, type Page, test } from "playwright/test";
import { ADMIN, type FirstProject, signUpFirstAdmin } from "../support/dashboard";
import { type RunningServer, startServer } from "../support/server";

test.setTimeout(240_000);

/** Sign-ins and editors take longer than other steps. */
const expect = expectSoon.configure({ timeout: 30_000 });

let server: RunningServer;
test.beforeAll(async () => {
  server = await startServer();
});
test.afterAll(() => server.dispose());

/** The first test creates the account, which all share. */
let first: FirstProject;
test.beforeEach(async ({ page }) => {
  if (first === undefined) first = await signUpFirstAdmin(page, server);
  else await signInAgain(page);
});

async function signInAgain(page: Page, { email, password } = ADMIN): Promise<void> {
  const { csrfToken } = await (await page.request.get(`${server.url}/api/auth/csrf`)).json();
  await page.request.post(`${server.url}/api/auth/callback/credentials`, { form: { csrfToken, email, password, json: "true" } });
}

const toPage = (path: string) => `${server.url}/p/${first.project.id}/endpoints/${first.endpoint.id}/${path}`;
const send = (page: Page, method: "POST" | "PUT" | "PATCH", path: string, data: object) =>
  page.request.fetch(`${server.url}/api/manage/${path}`, { method, headers: { Origin: server.url }, data });

async function createRecord(page: Page, data: object): Promise<string> {
  const response = await send(page, "POST", `endpoints/${first.endpoint.id}/records`, data);
  return (await response.json()).uniqueId;
}

/** Replaces the text of an editor by keyboard, again if the editor loads meanwhile. */
async function type(page: Page, label: string, text: string): Promise<void> {
  const editor = page.getByRole("textbox", { name: label, exact: true });
  await expect(async () => {
    await editor.click();
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.insertText(text);
    await expect(editor).toContainText(text, { timeout: 1000 });
  }).toPass();
}

const stored = (page: Page) => page.evaluate(() => JSON.stringify(sessionStorage));

test("[G33] an edit of a record survives navigation, a reload and the sign-in page, and is gone when discarded", async ({ page }) => {
  const id = await createRecord(page, { temperature: 20 });
  await page.goto(toPage("records"));
  await page.getByRole("grid").getByText("20").first().click();
  await page.getByRole("button", { name: "Edit this record" }).click();
  await type(page, "JSON", '{"temperature": 21}');

  // Navigation within the dashboard.
  await page.getByRole("navigation", { name: "Endpoint" }).getByRole("link", { name: "Settings" }).click();
  await expect(page.getByRole("button", { name: "Save schema" })).toBeVisible();
  await page.getByRole("navigation", { name: "Endpoint" }).getByRole("link", { name: "Records" }).click();
  await page
    .getByRole("region", { name: "Unsaved changes" })
    .getByRole("button", { name: id.slice(-8) })
    .click();
  await expect(page.getByText(/^Your unsaved changes of \d\d:\d\d were restored\.$/)).toBeVisible();
  await expect(page.getByRole("textbox", { name: "JSON" })).toContainText('{"temperature": 21}');

  // A reload, and a new sign-in.
  await page.reload();
  await expect(page.getByRole("textbox", { name: "JSON" })).toContainText('{"temperature": 21}');
  await page.context().clearCookies();
  await page.reload();
  await page.getByLabel("E-mail").fill(ADMIN.email);
  await page.getByLabel("Password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("textbox", { name: "JSON" })).toContainText('{"temperature": 21}');

  await page.getByRole("button", { name: "Discard" }).click();
  await expect(page.getByRole("button", { name: "Edit this record" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Record", exact: true }).locator(":focus")).toHaveCount(1);
  expect(await stored(page)).not.toContain(id);
});

test("[G33] restored changes of a record that someone else has changed meanwhile show the conflict", async ({ page }) => {
  const id = await createRecord(page, { name: "first", other: 1 });
  await page.goto(`${toPage("records")}?record=${id}`);
  await page.getByRole("grid").getByText("first").first().click();
  await page.getByRole("button", { name: "Edit this record" }).click();
  await type(page, "JSON", '{"name": "mine", "other": 1}');
  await page.goto(toPage("api"));
  await send(page, "PUT", `endpoints/${first.endpoint.id}/records/${id}`, { name: "theirs", other: 2 });
  await page.goto(toPage("records"));
  await page
    .getByRole("region", { name: "Unsaved changes" })
    .getByRole("button", { name: id.slice(-8) })
    .click();
  await expect(page.getByText(/^Someone else changed this record while you were editing/).first()).toBeVisible();
  await expect(page.getByRole("list", { name: "Differences" })).toContainText('"theirs"');
  await page.getByRole("button", { name: "Overwrite with mine" }).click();
  await expect(page.getByRole("button", { name: "Edit this record" })).toBeVisible();
  const record = await page.request.get(`${server.url}/api/manage/endpoints/${first.endpoint.id}/records/${id}`);
  expect(await record.json()).toMatchObject({ data: { name: "mine", other: 1 } });
  expect(await stored(page)).not.toContain(id);
});

test("[G33] a new record, a schema, access rules, a request and settings survive a reload", async ({ page }) => {
  await page.goto(toPage("records"));
  await page.getByRole("button", { name: "New record" }).first().click();
  await type(page, "JSON", '{"unsaved": "record"}');
  await page.goto(toPage("settings"));
  await type(page, "JSON Schema", '{"title": "unsaved schema"}');
  await page.getByLabel("Description").fill("unsaved description");
  await page.goto(toPage("access"));
  await page.getByRole("textbox", { name: "Read", exact: true }).fill("false");
  await page.goto(toPage("live"));
  await page.getByRole("button", { name: "Send a request…" }).click();
  await page.getByRole("textbox", { name: "Body" }).fill('{"unsaved": "request"}');

  await page.reload();
  await page.getByRole("button", { name: /Send a request/ }).click();
  await expect(page.getByRole("textbox", { name: "Body" })).toContainText('{"unsaved": "request"}');
  await page.goto(toPage("access"));
  await expect(page.getByRole("textbox", { name: "Read", exact: true })).toHaveValue("false");
  await page.goto(toPage("settings"));
  await expect(page.getByRole("textbox", { name: "JSON Schema" })).toContainText("unsaved schema");
  await expect(page.getByLabel("Description")).toHaveValue("unsaved description");
  await page.goto(toPage("records"));
  await page.getByRole("region", { name: "Unsaved changes" }).getByRole("button", { name: "new record" }).click();
  await expect(page.getByRole("textbox", { name: "JSON" })).toContainText('{"unsaved": "record"}');

  // Saved: nothing is unsaved any more.
  await page.getByRole("button", { name: "Create record" }).click();
  await expect(page.getByRole("button", { name: "Edit this record" })).toBeVisible();
  await page.goto(toPage("settings"));
  await page.getByRole("button", { name: "Save schema" }).click();
  await expect(page.getByText("Active: non-matching writes are rejected.")).toBeVisible();
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByText("Endpoint settings saved.").first()).toBeVisible();
  expect(await stored(page)).not.toContain("new-record");
  expect(await stored(page)).not.toContain("schema/");
  expect(await stored(page)).not.toContain("endpoint-settings/");
});

test("[G33] two tabs edit one record: the second save shows the conflict", async ({ page, context }) => {
  const id = await createRecord(page, { shared: 1 });
  const other = await context.newPage();
  for (const [tab, text] of [
    [page, '{"shared": 2}'],
    [other, '{"shared": 3}'],
  ] as const) {
    await tab.goto(`${toPage("records")}?record=${id}`);
    await tab.getByRole("button", { name: "Edit this record" }).click();
    await type(tab, "JSON", text);
  }
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("button", { name: "Edit this record" })).toBeVisible();
  await expect(other.getByText("Someone else changed this record. Save to see both versions side by side.")).toBeVisible();
  await other.getByRole("button", { name: "Save", exact: true }).click();
  await expect(other.getByRole("list", { name: "Differences" })).toContainText("3");
});

test("[G33] passwords are never stored in the browser, closing the page asks first, and signing out removes drafts", async ({
  page,
  context,
}) => {
  const created = await send(page, "POST", `projects/${first.project.id}/endpoints`, { name: "app/users", kind: "authentication" });
  const users = `${server.url}/p/${first.project.id}/endpoints/${(await created.json()).id}`;
  await page.goto(`${users}/records`);
  await page.getByRole("button", { name: "New user" }).first().click();
  await type(page, "JSON", '{"username": "ann", "password": "a secret horse"}');
  await page.getByRole("navigation", { name: "Endpoint" }).getByRole("link", { name: "Live" }).click();
  await expect(page).toHaveURL(/\/live/);
  await page.getByRole("navigation", { name: "Endpoint" }).getByRole("link", { name: "Records" }).click();
  await page.getByRole("region", { name: "Unsaved changes" }).getByRole("button", { name: "new record" }).click();
  await expect(page.getByRole("textbox", { name: "JSON" })).toContainText("a secret horse");
  expect(await stored(page)).not.toContain("a secret horse");
  const asked = page.waitForEvent("dialog");
  await page.close({ runBeforeUnload: true });
  const dialog = await asked;
  expect(dialog.type()).toBe("beforeunload");
  await dialog.dismiss();
  await expect(page.getByRole("textbox", { name: "JSON" })).toContainText("a secret horse");
  await page.getByRole("button", { name: "Cancel" }).click();

  // Signing out removes the drafts of other tabs too.
  await createRecord(page, { signed: "out" });
  const other = await context.newPage();
  await other.goto(toPage("settings"));
  await type(other, "JSON Schema", '{"title": "of the other tab"}');
  await expect.poll(() => stored(other)).toContain("of the other tab");
  await page.getByRole("button", { name: new RegExp(ADMIN.email) }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/login/);
  await expect.poll(() => stored(other)).not.toContain("of the other tab");
});
