import { expect, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";
import { openStream } from "../support/stream";

const ADA = { username: "Ada", password: "open sesame" };

test("[G11] [G12] [S1] [W6] [R10] users, a secure endpoint and a schema are set up in the browser", async ({ page }) => {
  test.setTimeout(120_000);
  const server = await startServer();
  try {
    const { project, endpoint, key } = await signUpFirstAdmin(page, server);
    const url = (name: string, parameters = "") => `${server.url}/api/1/ce/${name}?key=${key}${parameters}`;
    const post = (address: string, body: object, headers: Record<string, string> = {}) =>
      fetch(address, { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) });
    expect((await post(url(endpoint.name), { temperature: 21.5 })).status).toBe(201);

    // Creating an authentication endpoint opens its users.
    await page.goto(`${server.url}/p/${project.id}/endpoints`);
    await page.getByRole("button", { name: "New endpoint" }).click();
    const create = page.getByRole("dialog", { name: "New endpoint" });
    await create.getByRole("radio", { name: "Authentication" }).check();
    await create.getByLabel("Name", { exact: true }).fill("shop/customers");
    await create.getByRole("button", { name: "Create endpoint" }).click();
    await expect(page).toHaveURL(/\/users$/);
    await expect(page.getByText("No users yet.")).toBeVisible();
    await expect(page.getByText(`curl '${url("shop/customers")}'`)).toBeVisible();

    // A user registers and logs in, and the page updates.
    expect((await post(url("shop/customers"), ADA)).status).toBe(201);
    const row = page.getByRole("row", { name: /^ada / });
    await expect(row).toBeVisible({ timeout: 20_000 });
    const login = await post(url("shop/customers", "&login=true&noATCookie=true"), ADA, { "User-Agent": "Firefox/1.0 (Linux)" });
    const authorization = login.headers.get("authorization") ?? "";
    expect(authorization).toMatch(/^Bearer [\w-]{43}$/);

    // The data endpoint becomes secure.
    await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/settings`);
    await expect(page.getByRole("switch", { name: "Others can read" })).toBeDisabled();
    await page.getByRole("switch", { name: "Secure" }).check();
    await expect(page.getByRole("link", { name: "shop/customers" }).last()).toBeVisible();
    await page.getByRole("button", { name: "Save changes" }).click();
    await expect(page.getByText("Endpoint settings saved.")).toBeVisible();
    expect((await fetch(url(endpoint.name))).status).toBe(401);
    expect((await fetch(url(endpoint.name), { headers: { authorization } })).status).toBe(200);

    // The form sends only the switches that were used, so it keeps what somebody else changed since the page was opened.
    const patch = (data: object) =>
      page.request.patch(`${server.url}/api/manage/endpoints/${endpoint.id}`, { headers: { Origin: server.url }, data });
    const readAccess = async () => {
      const { secure, othersCanRead } = await (await page.request.get(`${server.url}/api/manage/endpoints/${endpoint.id}`)).json();
      return { secure, othersCanRead };
    };
    await page.route(`**/api/manage/endpoints/${endpoint.id}`, (route) =>
      route.request().method() === "GET" ? route.abort() : route.continue(),
    );
    expect((await patch({ othersCanRead: true })).status()).toBe(200);
    await page.getByLabel("Description").fill("Greenhouse");
    const saved = page.waitForResponse((response) => response.request().method() === "PATCH");
    await page.getByRole("button", { name: "Save changes" }).click();
    expect((await saved).status()).toBe(200);
    expect(await readAccess()).toEqual({ secure: true, othersCanRead: true });
    await page.unroute(`**/api/manage/endpoints/${endpoint.id}`);

    // Without a listed origin, apps on other origins can't use the login cookie. The API page says so.
    await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/api`);
    await page.getByRole("link", { name: "add your app’s origin" }).click();
    await page.getByRole("textbox", { name: "Allowed origins" }).fill("https://shop.example");
    await page.getByRole("button", { name: "Save changes" }).click();
    await expect(page.getByText("Project settings saved.")).toBeVisible();
    await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/api`);
    await expect(page.getByText("requests also need an access token")).toBeVisible();
    await expect(page.getByText("has no allowed origins")).toHaveCount(0);
    await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/settings`);

    // A schema is generated from the records. Non-matching writes are rejected, and the page shows why.
    await page.getByRole("button", { name: "Generate from records" }).click();
    await expect(page.getByRole("textbox", { name: "JSON Schema" })).toContainText('"temperature"');
    const body = page.getByRole("textbox", { name: "Body" });
    await body.fill('{\n  "temperature": "warm"\n}');
    await page.getByRole("button", { name: "Test", exact: true }).click();
    await expect(page.getByText("The body doesn’t match the schema: 1 problem.")).toBeVisible();
    await page.getByRole("button", { name: /^Line 2, \/temperature:/ }).click();
    await expect(body).toBeFocused();
    await page.getByRole("button", { name: "Save schema" }).click();
    await expect(page.getByText("Active: non-matching writes are rejected.")).toBeVisible();
    const rejected = await post(url(endpoint.name), { temperature: "warm" }, { authorization });
    expect([rejected.status, ((await rejected.json()) as { code: string }).code]).toEqual([400, "schema_mismatch"]);
    expect((await post(url(endpoint.name), { temperature: 19 }, { authorization })).status).toBe(201);

    // The editor is styled (its styles pass the content security policy), and is no keyboard trap.
    expect(
      await page
        .locator(".cm-scroller")
        .first()
        .evaluate((scroller) => getComputedStyle(scroller).display),
    ).toBe("flex");
    await body.press("Tab");
    await expect(body).toBeFocused();
    await body.press("Escape");
    await page.keyboard.press("Tab");
    await expect(body).not.toBeFocused();

    // The owner ends the session, which revokes the token and closes the stream.
    const token = authorization.replace("Bearer ", "");
    const stream = await openStream(`${url(endpoint.name).replace(/^http/, "ws")}&accessToken=${token}`);
    await page.getByRole("link", { name: "shop/customers" }).last().click();
    await page.getByRole("navigation", { name: "Endpoint" }).getByRole("link", { name: "Users" }).click();
    await row.getByRole("button", { name: "ada" }).click();
    const user = page.getByRole("dialog", { name: "ada" });
    await user.getByRole("button", { name: "End session of Firefox on Linux" }).click();
    expect(await stream.closed).toEqual({ code: 1000, reason: "The access token was revoked. Log in again." });
    await expect(user.getByText("This user is not logged in.")).toBeVisible();
    expect((await fetch(url(endpoint.name), { headers: { authorization } })).status).toBe(401);

    // The owner deletes the user.
    await user.getByRole("button", { name: "Delete user" }).click();
    const confirm = page.getByRole("dialog", { name: "Delete user" });
    await confirm.getByLabel("Name", { exact: true }).fill("ada");
    await confirm.getByRole("button", { name: "Delete user" }).click();
    await expect(page.getByText("No users yet.")).toBeVisible();
    expect((await post(url("shop/customers", "&login=true"), ADA)).status).toBe(401);
  } finally {
    await server.dispose();
  }
});
