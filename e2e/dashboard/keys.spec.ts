import { expect, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";
import { openStream } from "../support/stream";

test("[G3] [U7] [W6] a key is created, rotated with a grace period and revoked in the browser, and its streams close with a reason", async ({
  page,
}) => {
  const server = await startServer();
  try {
    const { project, endpoint, key } = await signUpFirstAdmin(page, server);
    const path = (of: string) => `/api/1/ce/${endpoint.name}?key=${of}`;
    await page.goto(`${server.url}/p/${project.id}/keys`);

    await page.getByRole("button", { name: "Create key" }).click();
    const create = page.getByRole("dialog", { name: "Create a key" });
    await create.getByRole("button", { name: "Create key" }).click();
    await expect(create.getByLabel("Name", { exact: true })).toBeFocused();
    await expect(create.getByLabel("Name", { exact: true })).toHaveAccessibleDescription(/.+/);
    await create.getByLabel("Name", { exact: true }).fill("Lab sensors");
    await create.getByRole("button", { name: "Create key" }).click();
    const row = page.getByRole("row", { name: /Lab sensors/ });
    await expect(row).toHaveCount(1);
    const lab = /[0-9a-f]{32}/.exec(await row.innerText())?.[0] ?? "";
    expect((await fetch(server.url + path(lab))).status).toBe(200);

    await page.getByRole("button", { name: "Rotate Lab sensors" }).click();
    const rotate = page.getByRole("dialog", { name: "Rotate key" });
    await rotate.getByRole("radio", { name: "1 h", exact: true }).check();
    await rotate.getByRole("button", { name: "Rotate key" }).click();
    await expect(page.getByRole("row", { name: /Lab sensors/ })).toHaveCount(2);
    expect((await fetch(server.url + path(lab))).status, "the old key works during the grace period").toBe(200);

    const ending = await openStream(server.wsUrl + path(key));
    const staying = await openStream(server.wsUrl + path(lab));
    await page.getByRole("button", { name: "Revoke First key" }).click();
    const revoke = page.getByRole("dialog");
    await revoke.getByLabel("Name", { exact: true }).fill("First key");
    await revoke.getByRole("button", { name: "Revoke key" }).click();
    expect(await ending.closed).toEqual({ code: 1000, reason: "The API key was revoked." });
    const rejected = await fetch(server.url + path(key));
    expect([rejected.status, ((await rejected.json()) as { code: string }).code]).toEqual([400, "endpoint_or_key_invalid"]);
    expect(staying.isOpen()).toBe(true);
    staying.close();
  } finally {
    await server.dispose();
  }
});

test("[U6] the master key is shown once, works in the header, and a new one replaces it", async ({ page }) => {
  const server = await startServer();
  try {
    const { project, endpoint, key } = await signUpFirstAdmin(page, server);
    const withMaster = (masterKey: string) =>
      fetch(`${server.url}/api/1/ce/${endpoint.name}?key=${key}`, { headers: { "X-Master-Key": masterKey } });
    await page.goto(`${server.url}/p/${project.id}/keys`);
    await page.getByRole("button", { name: "Create master key" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Create master key" }).click();
    const shown = page.getByRole("dialog", { name: "Your master key" });
    const first = /mk_[\w-]{43}/.exec(await shown.innerText())?.[0] ?? "";
    expect((await withMaster(first)).status).toBe(200);

    await page.reload();
    await expect(page.getByRole("button", { name: "Replace master key" })).toBeVisible();
    expect(await page.content()).not.toContain(first);

    await page.getByRole("button", { name: "Replace master key" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Replace master key" }).click();
    await expect(shown).toBeVisible();
    expect((await withMaster(first)).status).toBe(403);
  } finally {
    await server.dispose();
  }
});
