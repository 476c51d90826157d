import { expect, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { connectToDatabase } from "../support/database";
import { type RunningServer, startServer } from "../support/server";

let server: RunningServer;
test.beforeAll(async () => {
  server = await startServer();
});
test.afterAll(() => server.dispose());

test("[G38] pages that do not exist are shown in the dashboard's frame, and others with the logo", async ({ page }) => {
  const visited = await page.goto(`${server.url}/nowhere`);
  expect(visited?.status()).toBe(404);
  await expect(page.getByRole("heading", { name: "Page not found" })).toBeVisible();
  await expect(page.getByRole("main").getByText("Rested")).toBeVisible();
  await expect(page.getByRole("navigation")).toHaveCount(0);

  const { project } = await signUpFirstAdmin(page, server);
  const navigation = page.getByRole("navigation", { name: "Main" });
  for (const path of [`/p/${project.id}/nowhere`, `/p/${project.id}/nowhere/at/all`]) {
    await page.goto(`${server.url}${path}`);
    await expect(page.getByRole("main").getByRole("heading", { name: "Page not found" })).toBeVisible();
    await expect(navigation.getByRole("link", { name: "Endpoints" })).toBeVisible();
    await expect(page).toHaveTitle(/^Page not found/);
  }
  for (const path of [`/p/${crypto.randomUUID()}`, "/p/no-project/keys", "/projects/nowhere", "/account/nowhere"]) {
    await page.goto(`${server.url}${path}`);
    await expect(page.getByRole("main").getByRole("heading", { name: "Page not found" })).toBeVisible();
    await expect(navigation.getByRole("link", { name: "Account" })).toBeVisible();
    await expect(page.getByRole("main")).toHaveCount(1);
  }
  await page.getByRole("link", { name: "Go to projects" }).click();
  await expect(page.getByRole("heading", { name: "Projects" })).toBeVisible();
});

test("[G38] a page that fails keeps the frame, names the request, and is tried again", async ({ page }) => {
  const other = await startServer();
  const database = await connectToDatabase(other.dataDir);
  try {
    const { project } = await signUpFirstAdmin(page, other);
    await database.query('ALTER TABLE "Webhook" RENAME TO "WebhookElsewhere"');
    await page.goto(`${other.url}/p/${project.id}/webhooks`);
    const alert = page.getByRole("main").getByRole("alert");
    await expect(alert).toContainText("This page couldn’t be loaded");
    await expect(page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Webhooks" })).toBeVisible();
    const requestId = /Request ID\s*(req-[0-9a-f]{8,})/.exec(await alert.innerText())?.[1] ?? "";
    expect(requestId).not.toBe("");
    expect(other.output()).toContain(requestId);

    await database.query('ALTER TABLE "WebhookElsewhere" RENAME TO "Webhook"');
    await page.getByRole("button", { name: "Try again" }).click();
    await expect(page.getByText("No webhooks yet.")).toBeVisible();
  } finally {
    await database.end();
    await other.dispose();
  }
});

test("[G38] browsers and link previews find the icons, the manifest and the picture", async ({ page }) => {
  await page.goto(`${server.url}/login`);
  const contentOf = (selector: string, attribute: string) => page.locator(selector).first().getAttribute(attribute);
  const files: readonly (readonly [string | null, RegExp])[] = [
    [await contentOf('link[rel="icon"][href^="/favicon.ico"]', "href"), /^image\/(x-icon|vnd\.microsoft\.icon)$/],
    [await contentOf('link[rel="icon"][type="image/svg+xml"]', "href"), /^image\/svg\+xml$/],
    [await contentOf('link[rel="apple-touch-icon"]', "href"), /^image\/png$/],
    [await contentOf('link[rel="manifest"]', "href"), /^application\/manifest\+json/],
    [await contentOf('meta[property="og:image"]', "content"), /^image\/png$/],
    [await contentOf('meta[name="twitter:image"]', "content"), /^image\/png$/],
  ];
  for (const [address, type] of files) {
    const response = await page.request.get(new URL(address ?? "", server.url).href);
    expect([address, response.status()]).toEqual([address, 200]);
    expect(response.headers()["content-type"]).toMatch(type);
  }
  expect(await contentOf('meta[property="og:image"]', "content")).toBe(`${server.url}/social.png`);
  const { icons } = await (await page.request.get(`${server.url}/manifest.webmanifest`)).json();
  for (const { src } of icons) expect((await page.request.get(server.url + src)).status()).toBe(200);
  await expect(page.locator('meta[name="theme-color"]')).toHaveCount(2);
});
