import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { type RunningServer, startServer } from "../support/server";

let server: RunningServer;
test.beforeAll(async () => {
  server = await startServer();
});
test.afterAll(() => server.dispose());

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const LANGUAGES = ["curl", "fetch", "Python", "Go", "Java", "C#", "Swift", "Kotlin", "Arduino"];

async function expectClean(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`)).toEqual([]);
  }
}

test("[U1] [W9] the API page has programs for each task in every language, by keyboard, and copies them", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const { project, endpoint, key } = await signUpFirstAdmin(page, server);
  const headers = { Origin: server.url };
  const address = `/api/1/ce/${endpoint.name}?key=${key}`;
  await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/api`);
  const panel = page.getByRole("tabpanel");
  const language = page.getByRole("tablist", { name: "Language" });

  await test.step("each language, by arrow keys", async () => {
    await expect(language.getByRole("tab")).toHaveText(LANGUAGES);
    await language.getByRole("tab", { name: "curl" }).focus();
    for (const name of LANGUAGES) {
      await expect(language.getByRole("tab", { name, exact: true })).toHaveAttribute("aria-selected", "true");
      await expect(panel).toContainText(address);
      await page.keyboard.press("ArrowRight");
    }
    await expect(language.getByRole("tab", { name: "curl" })).toBeFocused();
  });

  await test.step("the language is kept when the task changes", async () => {
    await language.getByRole("tab", { name: "fetch" }).click();
    await page.getByRole("radio", { name: "Stream" }).check();
    await expect(language.getByRole("tab", { name: "WebSocket" })).toHaveAttribute("aria-selected", "true");
    await expect(panel).toContainText("&since=now&snapshot=true");
    await page.getByRole("radio", { name: "Read and write" }).check();
    await expect(language.getByRole("tab", { name: "fetch" })).toHaveAttribute("aria-selected", "true");
  });

  await test.step("the copied program is the shown one", async () => {
    await language.getByRole("tab", { name: "Python" }).click();
    await page.getByRole("button", { name: "Copy the Python program" }).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied.trimEnd()).toBe(await panel.evaluate((element) => element.textContent));
  });

  await test.step("nothing is found by axe, and nothing scrolls sideways on a phone", async () => {
    await expectClean(page);
    await page.setViewportSize({ width: 390, height: 844 });
    await expectClean(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
  });

  await test.step("[R10] the sample is that of the schema", async () => {
    const schema = { type: "object", required: ["city"], properties: { city: { type: "string" } }, examples: [{ city: "Oslo" }] };
    await page.request.patch(`${server.url}/api/manage/endpoints/${endpoint.id}`, { headers, data: { schema } });
    await page.reload();
    await expect(panel).toContainText(`{"city":"Oslo"}`);
    await expect(panel).toContainText("[$[data.city = 'Oslo']]".replaceAll("'", `'\\''`));
  });

  await test.step("[S1] a secure endpoint needs a token, and an authentication endpoint shows how to get one", async () => {
    await page.request.patch(`${server.url}/api/manage/endpoints/${endpoint.id}`, { headers, data: { secure: true } });
    await page.reload();
    await expect(panel).toContainText("Authorization: Bearer <access token>");
    const create = `${server.url}/api/manage/projects/${project.id}/endpoints`;
    const users = await (await page.request.post(create, { headers, data: { name: "people", kind: "authentication" } })).json();
    await page.goto(`${server.url}/p/${project.id}/endpoints/${users.id}/api`);
    await expect(language.getByRole("tab")).toHaveText(LANGUAGES);
    await language.getByRole("tab", { name: "Swift" }).click();
    await expect(panel).toContainText("&login=true&noATCookie=true");
  });
});
