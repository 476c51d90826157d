import { expect, test } from "playwright/test";
import { ADMIN, signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";

test("[G1] signing in leads back to the requested page, and signing out ends the session", async ({ page, browser }) => {
  const server = await startServer();
  try {
    const { project } = await signUpFirstAdmin(page, server);
    const context = await browser.newContext();
    const other = await context.newPage();
    await other.goto(`${server.url}/p/${project.id}/keys`);
    await expect(other).toHaveURL(/\/login/);
    await other.getByLabel("E-mail").fill(ADMIN.email);
    await other.getByLabel("Password").fill("not the password");
    await other.getByRole("button", { name: "Sign in" }).click();
    await expect(other.getByRole("alert").filter({ hasText: /./ })).toBeVisible();
    await other.getByLabel("Password").fill(ADMIN.password);
    await other.keyboard.press("Enter");
    await expect(other).toHaveURL(`${server.url}/p/${project.id}/keys`);
    await expect(other.getByRole("heading", { level: 1, name: "Keys" })).toBeVisible();

    // The first browser ends the session of the second one, whose next page is the sign-in page.
    await page.goto(`${server.url}/account`);
    await page
      .getByRole("button", { name: /^End session of / })
      .last()
      .click();
    await expect
      .poll(async () => {
        await other.goto(`${server.url}/projects`);
        return new URL(other.url()).pathname;
      })
      .toBe("/login");

    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await expect(page).toHaveURL(/\/login/);
    await page.goto(`${server.url}/projects`);
    await expect(page).toHaveURL(/\/login/);
    await context.close();
  } finally {
    await server.dispose();
  }
});

test("[G1] the setup link works once, and not without its token", async ({ page }) => {
  const server = await startServer();
  try {
    await page.goto(`${server.url}/setup`);
    await expect(page.getByLabel("Password")).toHaveCount(0);
    await page.goto(`${server.url}/setup?token=guessed`);
    await expect(page.getByLabel("Password")).toHaveCount(0);
    await signUpFirstAdmin(page, server);
    await page.goto(server.setupUrl ?? "");
    await expect(page.getByLabel("Password")).toHaveCount(0);
  } finally {
    await server.dispose();
  }
});
