import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";

test("[G44] [L4] users are added, found by their fields, and edited in the browser", async ({ page }) => {
  test.setTimeout(240_000);
  const server = await startServer();
  try {
    const { project, key } = await signUpFirstAdmin(page, server);
    const data = { name: "people", kind: "authentication" };
    const headers = { Origin: server.url };
    const created = await page.request.post(`${server.url}/api/manage/projects/${project.id}/endpoints`, { headers, data });
    const { id } = await created.json();
    const logIn = (password: string) =>
      fetch(`${server.url}/api/1/ce/people?key=${key}&login=true`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ email: "ada@example.com", password }),
      });

    await page.goto(`${server.url}/p/${project.id}/endpoints/${id}/users`);
    await page.getByRole("button", { name: "Add user" }).click();
    const dialog = page.getByRole("dialog", { name: "Add user" });
    const fields = dialog.getByRole("textbox", { name: "Other fields" });
    await expect(fields).toHaveClass(/cm-content/);
    expect((await new AxeBuilder({ page }).analyze()).violations.map(({ id: rule }) => rule)).toEqual([]);
    await dialog.getByRole("textbox", { name: "E-mail address" }).fill("ada");
    await dialog.getByRole("textbox", { name: "Password" }).fill("short");
    await dialog.getByRole("button", { name: "Add user" }).click();
    await expect(dialog.getByRole("textbox", { name: "Password" })).toHaveAttribute("aria-invalid", "true");
    await dialog.getByRole("textbox", { name: "Password" }).fill("open sesame");
    await dialog.getByRole("button", { name: "Add user" }).click();
    await expect(dialog.getByRole("textbox", { name: "E-mail address" })).toHaveAttribute("aria-invalid", "true");
    await dialog.getByRole("textbox", { name: "E-mail address" }).fill("ada@example.com");
    await fields.click();
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.insertText('{"role":"editor","credit":1.50}');
    await dialog.getByRole("button", { name: "Add user" }).click();

    // The new user opens.
    const user = page.getByRole("dialog", { name: "ada@example.com" });
    await expect(user).toContainText("editor");
    expect((await logIn("open sesame")).status).toBe(200);
    await user.getByRole("button", { name: "Edit data" }).click();
    const editor = user.getByRole("textbox", { name: "JSON" });
    await expect(editor).toHaveClass(/cm-content/);
    await editor.click();
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.insertText('{"email":"ada@example.com","role":"admin","credit":1.50}');
    await user.getByRole("button", { name: "Save", exact: true }).click();
    await expect(user.getByRole("button", { name: "Edit data" })).toBeVisible();
    expect((await logIn("open sesame")).status).toBe(200);
    await user.getByRole("button", { name: "Close" }).click();

    const row = page.getByRole("row", { name: /ada@example\.com/ });
    await expect(page.getByRole("columnheader", { name: "role" })).toBeVisible();
    await expect(row).toContainText("admin");
    await expect(row).toContainText("1.50");
  } finally {
    await server.dispose();
  }
});
