import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { type RunningServer, startServer } from "../support/server";

let server: RunningServer;
test.beforeEach(async () => {
  server = await startServer();
});
test.afterEach(() => server.dispose());

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

const open = (page: Page, summary: string) => page.locator("summary", { hasText: summary }).click();

async function expectClean(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`)).toEqual([]);
  }
}

test("[G5] an endpoint is tried from its documentation: store a record, read it, fail to delete another", async ({ page }) => {
  test.setTimeout(180_000);
  const { project, endpoint, key } = await signUpFirstAdmin(page, server);
  await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/api`);

  await open(page, "Create a record from");
  await page.getByLabel("Body", { exact: true }).fill('{"temperature":21.5}');
  await expect(page.getByText(`/api/1/ce/${endpoint.name}?key=${key}`).first()).toBeVisible();
  await page.getByRole("button", { name: "Send POST" }).click();
  await expect(page.getByText("201 Created")).toBeVisible();
  await page.getByText(/^Headers \(/).click();
  await expect(page.getByText(/ratelimit-remaining: \d+/)).toBeVisible();

  await open(page, "Get records.");
  await page.getByRole("button", { name: "Send GET" }).click();
  await expect(page.getByText("200 OK")).toBeVisible();
  await expect(page.getByText('"temperature": 21.5').last()).toBeVisible();

  await open(page, "Delete a record");
  const form = page.locator("form", { has: page.getByRole("button", { name: "Send DELETE" }) });
  await form.getByLabel("uniqueId").fill("0".repeat(32));
  await form.getByRole("button", { name: "Send DELETE" }).click();
  await expect(form.getByText("404 Not Found")).toBeVisible();
  await expect(form.getByText('"record_not_found"')).toBeVisible();

  await expectClean(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await expectClean(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
});

test("[G5] requests are sent with the master key, and the curl command does not show it", async ({ page }) => {
  const { project, endpoint } = await signUpFirstAdmin(page, server);
  const headers = { Origin: server.url };
  const { masterKey } = await (await page.request.post(`${server.url}/api/manage/projects/${project.id}/master-key`, { headers })).json();
  await page.request.patch(`${server.url}/api/manage/endpoints/${endpoint.id}`, { headers, data: { secure: true } });
  await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/api`);
  await open(page, "Get records.");
  await page.getByRole("button", { name: "Send GET" }).click();
  await expect(page.getByText("401 Unauthorized")).toBeVisible();
  await open(page, "Use the master key");
  await page.getByLabel("Master key").fill(masterKey);
  await page.getByRole("button", { name: "Send GET" }).click();
  await expect(page.getByText("200 OK")).toBeVisible();
  await expect(page.getByText('-H "X-Master-Key: $MASTER_KEY"')).toBeVisible();
  expect(await page.locator("pre").allInnerTexts()).not.toContain(masterKey);
});

test("[G5] the management API is tried with the session, by keyboard alone", async ({ page }) => {
  const { project } = await signUpFirstAdmin(page, server);
  await page.goto(`${server.url}/account`);
  await page.getByRole("link", { name: "API reference" }).click();
  await expect(page.getByRole("heading", { name: "Management API" })).toBeVisible();
  await page.locator("summary", { hasText: "Get a project." }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await expect(page.getByLabel("id", { exact: true })).toBeFocused();
  // The id is part of the URL, so it is required.
  await page.keyboard.press("Enter");
  await expect(page.getByText("Required, because it is part of the URL.")).toBeVisible();
  await page.keyboard.type(project.id);
  await page.keyboard.press("Enter");
  await expect(page.getByText("200 OK")).toBeVisible();
  await expect(page.getByText(`"id": "${project.id}"`)).toBeVisible();
  await expect(page.getByText('-H "Authorization: Bearer $RESTED_TOKEN"')).toBeVisible();
  await expectClean(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await expectClean(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
});
