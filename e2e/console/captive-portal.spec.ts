/** A network that responds instead of the server: a captive portal, or a proxy whose sign-in has expired. The dashboard reports it and recovers. */
import { expect, type Page, test } from "playwright/test";
import { ADMIN, signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";

const PORTAL = {
  status: 200,
  contentType: "text/html; charset=utf-8",
  body: "<!doctype html><title>Wi-Fi</title><h1>Welcome. Accept the terms.</h1>",
};
const REPORTED = /sign-in page of your network or of a proxy responded/i;

/** Responds to requests that match the pattern with the portal's page. Returns a function that removes the portal. */
async function capture(page: Page, pattern: string, response: typeof PORTAL = PORTAL): Promise<() => Promise<void>> {
  await page.route(pattern, (route) => route.fulfill(response));
  return () => page.unroute(pattern);
}

function collectErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  return errors;
}

test("[W9] the console reports that something else responded, and is live once the server responds again", async ({ page }) => {
  const server = await startServer();
  try {
    const errors = collectErrors(page);
    const { project, endpoint } = await signUpFirstAdmin(page, server);
    for (const [pattern, response] of [
      ["**/api/manage/endpoints/*/changes**", PORTAL],
      ["**/api/manage/endpoints/*/stream-ticket", { ...PORTAL, contentType: "application/json" }],
      // A proxy's page, which does not mean that the session has ended.
      ["**/api/manage/endpoints/*/changes**", { ...PORTAL, status: 401 }],
    ] as const) {
      const release = await capture(page, pattern, response);
      await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/live`);
      await expect(page.getByText(REPORTED).first()).toBeVisible();
      await release();
      await expect(page.getByText(/^Live · [\d,]+\/s$/)).toBeVisible({ timeout: 20_000 });
    }
    expect(errors).toEqual([]);
  } finally {
    await server.dispose();
  }
});

test("[E1] pages of the dashboard report it, and show their data once the server responds again", async ({ page }) => {
  const server = await startServer();
  try {
    const errors = collectErrors(page);
    const { project, endpoint } = await signUpFirstAdmin(page, server);
    await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/live`);
    const release = await capture(page, "**/api/manage/**");
    await page.getByRole("link", { name: "Connections", exact: true }).first().click();
    await expect(page.getByText(REPORTED).first()).toBeVisible({ timeout: 20_000 });
    await release();
    await expect(page.getByText(REPORTED)).toHaveCount(0, { timeout: 20_000 });
    expect(errors).toEqual([]);
  } finally {
    await server.dispose();
  }
});

test("[G1] a sign-out or sign-in counts only if the server responded", async ({ page }) => {
  const server = await startServer();
  try {
    await signUpFirstAdmin(page, server);
    await page.goto(`${server.url}/account`);
    const release = await capture(page, "**/api/auth/signout");
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await expect(page.getByRole("alert").filter({ hasText: REPORTED })).toBeVisible();
    await expect(page).toHaveURL(/\/account$/);
    await release();
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await expect(page).toHaveURL(/\/login/);

    const releaseSignIn = await capture(page, "**/api/auth/callback/credentials");
    await page.getByLabel("E-mail").fill(ADMIN.email);
    await page.getByLabel("Password").fill(ADMIN.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page.getByRole("alert").filter({ hasText: REPORTED })).toBeVisible();
    await releaseSignIn();
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page).not.toHaveURL(/\/login/);
  } finally {
    await server.dispose();
  }
});
