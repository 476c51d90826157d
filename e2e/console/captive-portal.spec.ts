/** A network that answers in the server's place: a captive portal, or a proxy whose sign-in has expired. The dashboard says so, and goes on by itself. */
import { expect, type Page, test } from "playwright/test";
import { ADMIN, signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";

const PORTAL = {
  status: 200,
  contentType: "text/html; charset=utf-8",
  body: "<!doctype html><title>Wi-Fi</title><h1>Welcome. Accept the terms.</h1>",
};
const SAID = /sign-in page of your network or of a proxy answered/i;

/** Answers what the pattern names with the portal's page; the result lets the network through again. */
async function capture(page: Page, pattern: string, answer: typeof PORTAL = PORTAL): Promise<() => Promise<void>> {
  await page.route(pattern, (route) => route.fulfill(answer));
  return () => page.unroute(pattern);
}

function collectErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  return errors;
}

test("[W9] the console says that something else answered, and is live once the server answers again", async ({ page }) => {
  const server = await startServer();
  try {
    const errors = collectErrors(page);
    const { project, endpoint } = await signUpFirstAdmin(page, server);
    for (const [pattern, answer] of [
      ["**/api/manage/endpoints/*/changes**", PORTAL],
      ["**/api/manage/endpoints/*/stream-ticket", { ...PORTAL, contentType: "application/json" }],
      // A proxy's own page: not a session that has ended.
      ["**/api/manage/endpoints/*/changes**", { ...PORTAL, status: 401 }],
    ] as const) {
      const release = await capture(page, pattern, answer);
      await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/live`);
      await expect(page.getByText(SAID).first()).toBeVisible();
      await release();
      await expect(page.getByText(/^Live · [\d,]+\/s$/)).toBeVisible({ timeout: 20_000 });
    }
    expect(errors).toEqual([]);
  } finally {
    await server.dispose();
  }
});

test("[E1] pages of the dashboard say so, and show what they were asked for once the server answers again", async ({ page }) => {
  const server = await startServer();
  try {
    const errors = collectErrors(page);
    const { project, endpoint } = await signUpFirstAdmin(page, server);
    await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/live`);
    const release = await capture(page, "**/api/manage/**");
    await page.getByRole("link", { name: "Connections", exact: true }).first().click();
    await expect(page.getByText(SAID).first()).toBeVisible({ timeout: 20_000 });
    await release();
    await expect(page.getByText(SAID)).toHaveCount(0, { timeout: 20_000 });
    expect(errors).toEqual([]);
  } finally {
    await server.dispose();
  }
});

test("[G1] neither a sign-out nor a sign-in that something else answered counts as done", async ({ page }) => {
  const server = await startServer();
  try {
    await signUpFirstAdmin(page, server);
    await page.goto(`${server.url}/account`);
    const release = await capture(page, "**/api/auth/signout");
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await expect(page.getByRole("alert").filter({ hasText: SAID })).toBeVisible();
    await expect(page).toHaveURL(/\/account$/);
    await release();
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await expect(page).toHaveURL(/\/login/);

    const releaseSignIn = await capture(page, "**/api/auth/callback/credentials");
    await page.getByLabel("E-mail").fill(ADMIN.email);
    await page.getByLabel("Password").fill(ADMIN.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page.getByRole("alert").filter({ hasText: SAID })).toBeVisible();
    await releaseSignIn();
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page).not.toHaveURL(/\/login/);
  } finally {
    await server.dispose();
  }
});
