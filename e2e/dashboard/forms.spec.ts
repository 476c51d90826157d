import { expect, test } from "playwright/test";
import { type FirstProject, signUpFirstAdmin } from "../support/dashboard";
import { type RunningServer, startServer } from "../support/server";

test.setTimeout(240_000);

let server: RunningServer;
let first: FirstProject;
test.beforeEach(async ({ page }) => {
  server = await startServer();
  first = await signUpFirstAdmin(page, server);
});
test.afterEach(() => server.dispose());

test("[G6] a problem of a field disappears when the input is right", async ({ page }) => {
  await page.goto(`${server.url}/start`);
  const field = page.getByRole("textbox");
  await field.fill("🚀");
  await page.getByRole("button", { name: "Create endpoint" }).click();
  await expect(field).toHaveAttribute("aria-invalid", "true");
  await expect(field).toBeFocused();
  await field.fill("weather");
  await expect(field).not.toHaveAttribute("aria-invalid");
  await expect(page.getByText("Creates the endpoint weather")).toBeVisible();
});

test("[G6] a problem that the server has found disappears when its field is changed", async ({ page }) => {
  await page.goto(`${server.url}/p/${first.project.id}/endpoints`);
  await page.getByRole("button", { name: "New endpoint" }).click();
  const name = page.getByRole("dialog").getByLabel("Name", { exact: true });
  await name.fill(first.endpoint.name);
  await page.getByRole("button", { name: "Create endpoint" }).click();
  await expect(name).toHaveAttribute("aria-invalid", "true");
  await name.press("End");
  await name.pressSequentially("2");
  await expect(name).not.toHaveAttribute("aria-invalid");
});

test("[U2] a name that an endpoint cannot have is offered in a form that it can have", async ({ page }) => {
  await page.goto(`${server.url}/p/${first.project.id}/endpoints`);
  await page.getByRole("button", { name: "New endpoint" }).click();
  const name = page.getByRole("dialog").getByLabel("Name", { exact: true });
  await name.fill("My Sensors!");
  await page.getByRole("button", { name: "Create endpoint" }).click();
  await page.getByRole("button", { name: "Use “my-sensors”" }).click();
  await expect(name).toHaveValue("my-sensors");
  await expect(name).not.toHaveAttribute("aria-invalid");
  await page.getByRole("button", { name: "Create endpoint" }).click();
  await expect(page.getByRole("heading", { name: "my-sensors" })).toBeVisible();
});

test("[R10] a schema that is none is explained with its value and the allowed ones", async ({ page }) => {
  await page.goto(`${server.url}/p/${first.project.id}/endpoints/${first.endpoint.id}/settings`);
  const editor = page.getByRole("textbox", { name: "JSON Schema" });
  await expect(async () => {
    await editor.click();
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.insertText('{"type": "objekt"}');
    await expect(editor).toContainText("objekt", { timeout: 1000 });
  }).toPass();
  await page.getByRole("button", { name: "Save schema" }).click();
  // The first schema starts a process.
  await expect(page.getByText(/“type” is "objekt"\. Use one of .*"object"/)).toBeVisible({ timeout: 60_000 });
});

test("[G4] a switch that is used while the settings are saved stays", async ({ page }) => {
  await page.goto(`${server.url}/p/${first.project.id}/endpoints/${first.endpoint.id}/settings`);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route("**/api/manage/endpoints/*", async (route) => {
    if (route.request().method() === "PATCH") await held;
    await route.continue();
  });
  await page.getByLabel("Description").fill("Saved");
  await page.getByRole("button", { name: "Save changes" }).click();
  const secure = page.getByRole("switch", { name: "Secure" });
  await secure.click();
  await expect(secure).toBeChecked();
  release();
  await expect(page.getByText("Endpoint settings saved.").first()).toBeVisible();
  await expect(secure).toBeChecked();
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect
    .poll(async () => (await (await page.request.get(`${server.url}/api/manage/endpoints/${first.endpoint.id}`)).json()).secure)
    .toBe(true);
});

test("the first step's button has the width of its text, and keys do not touch on a narrow screen", async ({ page }) => {
  const created = await page.request.post(`${server.url}/api/manage/projects`, {
    headers: { Origin: server.url },
    data: { name: "Empty" },
  });
  await page.goto(`${server.url}/p/${(await created.json()).id}`);
  const buttons = page.getByRole("button", { name: "New endpoint" });
  await expect(buttons).toHaveCount(1);
  expect((await buttons.boundingBox())?.width).toBeLessThan(200);

  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto(`${server.url}/p/${first.project.id}/keys`);
  const row = page.getByRole("row", { name: /First key/ });
  const [scope, made] = [row.getByText("Read and write"), row.getByText("just now").first()];
  const [one, other] = [await scope.boundingBox(), await made.boundingBox()];
  const isApart = one && other && (one.x + one.width + 8 <= other.x || one.y + one.height <= other.y);
  expect(isApart).toBe(true);
});
