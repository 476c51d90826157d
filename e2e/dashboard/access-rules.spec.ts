import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const PASSWORD = "open sesame";
const JSON_BODY = { "Content-Type": "application/json" };

test("[S7] [S8] [A4] [A5] [A6] access rules and functions are written, tried, saved and taken back in the browser", async ({
  page,
  context,
}) => {
  test.setTimeout(180_000);
  const server = await startServer();
  try {
    const { project, endpoint, key } = await signUpFirstAdmin(page, server);
    const manage = `${server.url}/api/manage`;
    const headers = { Origin: server.url };
    const data = { name: "people", kind: "authentication" };
    expect((await page.request.post(`${manage}/projects/${project.id}/endpoints`, { headers, data })).status()).toBe(201);
    const url = (name: string, parameters = "") => `${server.url}/api/1/ce/${name}?key=${key}${parameters}`;
    const register = async (username: string, role: string) => {
      const body = JSON.stringify({ username, password: PASSWORD, role });
      expect((await fetch(url("people"), { method: "POST", headers: JSON_BODY, body })).status).toBe(201);
      const login = await fetch(url("people", "&login=true&noATCookie=true"), { method: "POST", headers: JSON_BODY, body });
      return login.headers.get("authorization") ?? "";
    };
    const [ada, bob] = [await register("ada", "admin"), await register("bob", "guest")];
    for (const post of [
      { title: "Hello", public: true, note: "n1" },
      { title: "Draft", public: false, note: "n2" },
    ]) {
      expect((await fetch(url(endpoint.name), { method: "POST", headers: JSON_BODY, body: JSON.stringify(post) })).status).toBe(201);
    }
    const list = async (authorization: string) => {
      const response = await fetch(url(endpoint.name), { headers: { authorization } });
      expect(response.status).toBe(200);
      return ((await response.json()) as { data: { title: string } }[]).map((record) => record.data);
    };

    // The page is reached from the endpoint. Fields without a rule show the default.
    await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/records`);
    await page.getByRole("navigation", { name: "Endpoint" }).getByRole("link", { name: "Access" }).click();
    const read = page.getByRole("textbox", { name: "Read", exact: true });
    await expect(read).toHaveAttribute("placeholder", "true");
    await expect(page.getByText("No versions yet.")).toBeVisible();

    // A mistake is shown at its column, and nothing is saved.
    const save = page.getByRole("button", { name: "Save access" });
    await expect(save).toBeDisabled();
    await read.pressSequentially("public == true");
    await expect(page.getByText("Column 8: Use = instead of ==.")).toBeVisible();
    await read.press("Enter");
    await expect(read).toBeFocused();
    expect(await read.evaluate((input: HTMLInputElement) => input.selectionStart)).toBe(7);

    // The rule and the hidden field are described, tried and counted before they are saved.
    await read.fill('public = true | @user.data.role = "admin"');
    await expect(page.getByText("Allowed if the record’s public is true or the user’s role is “admin”.")).toBeVisible();
    await page.getByRole("textbox", { name: "Hidden fields" }).fill('note unless @user.data.role = "admin"');
    await expect(page.getByText("note: hidden unless the user’s role is “admin”.")).toBeVisible();
    await page.getByRole("textbox", { name: "Delete", exact: true }).fill("false");
    await page.getByRole("combobox", { name: "User", exact: true }).fill("bob");
    await page.getByRole("button", { name: "Use latest record" }).click();
    await page.getByRole("button", { name: "Try", exact: true }).click();
    await expect(page.getByText("Refused.")).toBeVisible();
    await expect(page.getByText("note unless @user.data.role", { exact: false }).last()).toBeVisible();
    await page.getByRole("combobox", { name: "User", exact: true }).fill("ada");
    await expect(page.getByText("Refused.")).toHaveCount(0);
    await page.getByRole("button", { name: "Try", exact: true }).click();
    await expect(page.getByText("Allowed.", { exact: true })).toBeVisible();
    await page.getByRole("button", { name: "Count readable records" }).click();
    await expect(page.getByRole("row", { name: /^Nobody 1 of 2 1$/ })).toBeVisible();
    await expect(page.getByRole("row", { name: /^ada 2 of 2 0$/ })).toBeVisible();
    await expect(page.getByRole("row", { name: /^bob 1 of 2 1$/ })).toBeVisible();
    expect(await list(bob)).toHaveLength(2);

    // If saving fails, the text stays.
    await context.setOffline(true);
    await save.click();
    await expect(page.getByText("Couldn’t reach the server.", { exact: false }).first()).toBeVisible();
    await context.setOffline(false);
    await expect(read).toHaveValue('public = true | @user.data.role = "admin"');
    await save.click();
    await expect(page.getByText("Access saved.", { exact: false })).toBeVisible();
    await expect(page.getByText("Version 1")).toBeVisible();

    // From now on the API decides by the rules.
    expect(await list(bob)).toEqual([{ title: "Hello", public: true }]);
    expect((await list(ada)).map(({ title }) => title).sort()).toEqual(["Draft", "Hello"]);
    const [hello] = (await (await fetch(url(endpoint.name))).json()) as { uniqueId: string }[];
    const refused = await fetch(url(endpoint.name, `&uniqueId=${hello?.uniqueId}`), { method: "DELETE", headers: { authorization: bob } });
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([403, "access_denied"]);

    // An access function that does not parse shows its line, and stays in the editor.
    const source = page.getByRole("textbox", { name: "JavaScript" });
    await expect(source).toHaveClass(/cm-content/);
    await source.click();
    await page.keyboard.insertText("({ user }) => {\n  return user ===;\n}");
    await source.press("Control+Enter");
    const problem = page.getByRole("button", { name: /^Line 2/ });
    await expect(problem).toBeVisible();
    await problem.click();
    await expect(source).toBeFocused();
    await expect(source).toContainText("return user ===;");

    // Names of the argument are completed.
    await source.press("Control+a");
    await page.keyboard.insertText("({ user }) => ");
    await page.keyboard.type("user.u");
    await expect(page.getByRole("option", { name: /^uniqueId/ })).toBeVisible();
    await source.press("Escape");
    await source.press("Control+a");
    await page.keyboard.insertText('({ user }) => user !== null && user.data.role === "admin"');
    await page.getByRole("button", { name: "Try", exact: true }).click();
    await expect(page.getByText("The access function allows it.")).toBeVisible();
    await save.click();
    await expect(page.getByText("Version 2")).toBeVisible();
    expect(await list(bob)).toEqual([]);
    expect(await list(ada)).toHaveLength(2);

    // axe finds nothing, light and dark, wide and narrow, and nothing is wider than the window.
    await page.getByRole("button", { name: "Show difference of version 2" }).click();
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 844 });
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        const find = async () =>
          (await new AxeBuilder({ page }).withTags(TAGS).analyze()).violations.map(
            ({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`,
          );
        await expect.poll(find, { message: `${width} ${colorScheme}`, timeout: 15_000 }).toEqual([]);
      }
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    }
    await page.setViewportSize({ width: 1280, height: 800 });

    // One click goes back: the function is gone, the rules stay.
    await page.getByRole("button", { name: "Go back to version 1" }).click();
    await expect(page.getByText("Version 3")).toBeVisible();
    await expect(source).not.toContainText("user.data.role");
    expect(await list(bob)).toEqual([{ title: "Hello", public: true }]);

    // The rules that docs/access.md recommends for the authentication endpoint keep users from giving themselves a role.
    const rules = { create: "@input.role missing", update: "@owner = @user.id & @input.role missing" };
    const people = (await (await page.request.get(`${manage}/projects/${project.id}/endpoints`)).json()) as { id: string; name: string }[];
    const patched = await page.request.patch(`${manage}/endpoints/${people.find(({ name }) => name === "people")?.id}`, {
      headers,
      data: { rules },
    });
    expect(patched.status()).toBe(200);
    const [self] = (await (await fetch(url("people"), { headers: { authorization: bob } })).json()) as { uniqueId: string }[];
    const change = (body: object) =>
      fetch(url("people", `&uniqueId=${self?.uniqueId}&strategy=merge`), {
        method: "PUT",
        headers: { ...JSON_BODY, authorization: bob },
        body: JSON.stringify(body),
      });
    expect((await change({ role: "admin" })).status).toBe(403);
    expect((await change({ colour: "green" })).status).toBe(200);
    const registration = JSON.stringify({ username: "eve", password: PASSWORD, role: "admin" });
    expect((await fetch(url("people"), { method: "POST", headers: JSON_BODY, body: registration })).status).toBe(403);
  } finally {
    await server.dispose();
  }
});
