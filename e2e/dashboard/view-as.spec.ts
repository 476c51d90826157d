import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const JSON_BODY = { "Content-Type": "application/json" };

test("[A7] the grid shows what a user reads: as the user's own requests do, read-only, without hidden fields", async ({ page }) => {
  test.setTimeout(180_000);
  const server = await startServer();
  try {
    const { project, endpoint, key } = await signUpFirstAdmin(page, server);
    const manage = `${server.url}/api/manage`;
    const headers = { Origin: server.url };
    const people = { name: "people", kind: "authentication" };
    expect((await page.request.post(`${manage}/projects/${project.id}/endpoints`, { headers, data: people })).status()).toBe(201);
    const url = (name: string, parameters = "") => `${server.url}/api/1/ce/${name}?key=${key}${parameters}`;
    const register = async (username: string) => {
      const body = JSON.stringify({ username, password: "open sesame" });
      const made = (await (await fetch(url("people"), { method: "POST", headers: JSON_BODY, body })).json()) as { uniqueId: string };
      const login = await fetch(url("people", "&login=true&noATCookie=true"), { method: "POST", headers: JSON_BODY, body });
      return { id: made.uniqueId, authorization: login.headers.get("authorization") ?? "" };
    };
    const [anna, bert] = [await register("anna"), await register("bert")];
    const write = async (by: { authorization: string }, data: object) => {
      const sent = { method: "POST", headers: { ...JSON_BODY, authorization: by.authorization }, body: JSON.stringify(data) };
      const made = await fetch(url(endpoint.name), sent);
      expect(made.status).toBe(201);
      return ((await made.json()) as { uniqueId: string }).uniqueId;
    };
    const change = async (body: object) =>
      expect((await page.request.patch(`${manage}/endpoints/${endpoint.id}`, { headers, data: body })).ok()).toBe(true);
    await change({ secure: true });
    await write(anna, { title: "Anna's draft", salary: 4711 });
    const berts = await write(bert, { title: "Bert's draft", salary: 815 });
    await write(bert, { title: "Bert's post", public: true, salary: 42 });
    await change({ rules: { read: "public = true | @owner = @user.id", hide: ["salary unless @owner = @user.id"] } });

    // The owner sees everything, and chooses Anna by a part of her name.
    await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/records`);
    const grid = page.getByRole("grid", { name: "Records" });
    const rows = grid.locator("[data-record]");
    await expect(rows).toHaveCount(3);
    await expect(grid).toContainText("815");
    const trigger = page.getByRole("button", { name: "View as…" });
    await trigger.click();
    const dialog = page.getByRole("dialog", { name: "View records as" });
    const search = dialog.getByRole("searchbox", { name: "Find a user" });
    await expect(search).toBeFocused();
    await expect(dialog.getByRole("button", { name: /^Not signed in/ })).toBeVisible();
    await search.fill("ann");
    await expect(dialog.getByRole("button", { name: /^bert/ })).toHaveCount(0);
    await dialog.getByRole("button", { name: /^anna/ }).click();

    const banner = page.getByRole("region", { name: "View as" });
    await expect(banner).toContainText("You see what anna sees. Read-only.");
    await expect(trigger).toBeFocused();
    await expect(rows).toHaveCount(2);
    await expect(page.getByText("2 records that anna can read")).toBeVisible();
    await expect(page).toHaveURL(new RegExp(`as=${anna.id}`));
    await expect(grid).toContainText("4711");
    await expect(page.getByText("42", { exact: true })).toHaveCount(0);
    // The same as her own request receives.
    const own = (await (await fetch(url(endpoint.name), { headers: { authorization: anna.authorization } })).json()) as {
      uniqueId: string;
    }[];
    const shown = await rows.evaluateAll((all) => all.map((row) => row.getAttribute("data-record")));
    expect(shown.toReversed()).toEqual(own.map(({ uniqueId }) => uniqueId));

    // Read-only: no action that changes or exports, by mouse or by key.
    for (const name of ["Import", "Export", /^New/]) await expect(page.getByRole("button", { name })).toHaveCount(0);
    await rows.first().click();
    const panel = page.getByRole("region", { name: "Record", exact: true });
    await expect(panel).toContainText("Bert's post");
    await expect(panel).not.toContainText("salary");
    await expect(panel.getByRole("button", { name: /^(Edit|Delete) this record$/ })).toHaveCount(0);
    await grid.focus();
    await page.keyboard.press("Delete");
    await page.keyboard.press("Space");
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await expect(page.getByText("1 selected")).toHaveCount(0);

    // A change of the records is announced without its data. The stream of the dashboard has all records.
    await write(bert, { title: "Bert's secret plan" });
    const reload = page.getByRole("button", { name: "Records have changed. Reload" });
    await expect(reload).toBeVisible();
    await expect(page.getByText("secret plan")).toHaveCount(0);
    await reload.click();
    await expect(reload).toHaveCount(0);
    await expect(rows).toHaveCount(2);

    // A filter does not find what is hidden.
    const filter = page.getByRole("textbox", { name: /^Add a filter/ });
    await filter.fill("salary = 42");
    await filter.press("Enter");
    await expect(page.getByText("No records match.")).toBeVisible();
    await page.getByRole("button", { name: "Clear search and filters" }).click();

    // The address keeps the view. A record that Anna may not read is not shown by its id.
    await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/records?as=${anna.id}&record=${berts}`);
    await expect(banner).toContainText("You see what anna sees.");
    await expect(panel).toContainText("This record can’t be read in this view");
    await expect(page.getByText("815")).toHaveCount(0);

    for (const [colorScheme, width] of [
      ["light", 1280],
      ["dark", 390],
    ] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.goto(`${server.url}/p/${project.id}/endpoints/${endpoint.id}/records?as=${anna.id}`);
      await expect(rows).toHaveCount(2);
      const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
    }
    await page.setViewportSize({ width: 1280, height: 800 });

    // Nobody is signed in: the endpoint refuses, and says why.
    await banner.getByRole("button", { name: "Change" }).click();
    await dialog.getByRole("button", { name: /^Not signed in/ }).click();
    await expect(banner).toContainText("not signed in");
    await expect(page.getByText("Records here can’t be read without logging in.")).toBeVisible();
    await expect(page.getByText("The endpoint is secure and needs an access token", { exact: false })).toBeVisible();

    // Back to all records, with all actions.
    await banner.getByRole("button", { name: "Show all records" }).click();
    await expect(banner).toHaveCount(0);
    await expect(trigger).toBeFocused();
    await expect(rows).toHaveCount(4);
    await expect(page.getByRole("button", { name: /^New/ })).toBeVisible();
    await expect(page).not.toHaveURL(/as=/);

    // The page Access counts, asks the function about a sample, and leads to the views.
    await page.getByRole("navigation", { name: "Endpoint" }).getByRole("link", { name: "Access" }).click();
    const source = page.getByRole("textbox", { name: "JavaScript" });
    await expect(source).toHaveClass(/cm-content/);
    await source.click();
    await page.keyboard.insertText('({ record }) => record.data.title !== "Bert\'s post"');
    await page.getByRole("button", { name: "Count readable records" }).click();
    await expect(page.getByRole("columnheader", { name: "Function allows" })).toBeVisible();
    await expect(page.getByRole("row", { name: /^anna 2 of 4 1 1 of 2$/ })).toBeVisible();
    await expect(page.getByText("The access function was asked about a sample", { exact: false })).toBeVisible();
    await page.getByRole("link", { name: "anna" }).click();
    await expect(banner).toContainText("You see what anna sees.");
    await expect(rows).toHaveCount(2);
  } finally {
    await server.dispose();
  }
});
