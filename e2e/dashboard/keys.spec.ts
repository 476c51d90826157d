import { expect, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";
import { openStream } from "../support/stream";

test.setTimeout(120_000);

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
    // The new key is in front, and both name each other.
    const [added, old] = [page.getByRole("row", { name: /Lab sensors/ }).first(), page.getByRole("row", { name: /Lab sensors/ }).last()];
    await expect(added).toBeFocused();
    await expect(added).toContainText(`Replaces ${lab.slice(0, 6)}…`);
    const next = /[0-9a-f]{32}/.exec(await added.innerText())?.[0] ?? "";
    await expect(old).toContainText(`Replaced by ${next.slice(0, 6)}…`);
    await expect(old).toContainText(/Ends in (?:1 hr|\d\d min)\./);

    const ending = await openStream(server.wsUrl + path(key));
    const staying = await openStream(server.wsUrl + path(lab));
    await page.getByRole("button", { name: "Revoke First key" }).click();
    const revoke = page.getByRole("dialog");
    await expect(revoke.getByText(`1 open stream uses this key (${endpoint.name}). It closes immediately.`)).toBeVisible();
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

    // It closes only after it was copied.
    await page.keyboard.press("Escape");
    await page.mouse.click(5, 5);
    await expect(shown).toBeVisible();
    await expect(shown.getByRole("button", { name: "Close" })).toHaveCount(0);
    await expect(shown.getByRole("button", { name: "Done" })).toBeDisabled();
    await shown.getByRole("button", { name: "Copy the master key" }).click();
    await shown.getByRole("button", { name: "Done" }).click();
    await expect(shown).toHaveCount(0);

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

test("[U7] after a rotation, snippets and copied addresses have the key that lasts, and the choice tells both apart", async ({
  page,
  context,
}) => {
  const server = await startServer();
  try {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const { project, endpoint, key } = await signUpFirstAdmin(page, server);
    const manage = `${server.url}/api/manage`;
    const [first] = await (await page.request.get(`${manage}/projects/${project.id}/keys`)).json();
    const headers = { Origin: server.url };
    const rotated = await page.request.post(`${manage}/keys/${first.id}/rotate`, { headers, data: { graceSeconds: 3600 } });
    const next = (await rotated.json()).key;
    await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/api`);
    await expect(page.locator("pre").first()).toContainText(next);
    await expect(page.getByText(key)).toHaveCount(0);
    const choice = page.getByLabel("Key", { exact: true });
    await expect(choice.getByRole("option", { name: `First key (read and write, ${next.slice(0, 6)}…)` })).toHaveCount(1);
    await expect(choice.getByRole("option", { name: /ends in (?:1 hr|\d\d min)\./ })).toHaveCount(1);

    // The first button to copy is beside the name.
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await page.getByRole("button", { name: /^Copy/ }).first().click();
    await expect.poll(copied).toContain(next);
    expect((await fetch(await copied())).status).toBe(200);
    await page.getByRole("button", { name: "Copy another form of the address" }).click();
    await page.getByRole("button", { name: "WebSocket URL with the key" }).click();
    await expect.poll(copied).toMatch(/^ws:/);
    const stream = await openStream(await copied());
    stream.close();
  } finally {
    await server.dispose();
  }
});
