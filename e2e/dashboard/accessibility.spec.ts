import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { startServer } from "../support/server";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

async function findViolations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

test("axe finds nothing on any page, light and dark, wide and narrow", async ({ page, browser }) => {
  test.setTimeout(400_000);
  const server = await startServer();
  try {
    const signedOut = await (await browser.newContext()).newPage();
    const expectClean = async (of: typeof page, path: string) => {
      for (const colorScheme of ["light", "dark"] as const) {
        await of.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await of.goto(server.url + path);
        await expect(of.locator("body")).not.toBeEmpty();
        // The styles of buttons change during hydration, so only lasting violations count.
        await expect.poll(() => findViolations(of), { message: `${path} ${colorScheme}`, timeout: 60_000 }).toEqual([]);
      }
    };
    await expectClean(signedOut, new URL(server.setupUrl ?? "").pathname + new URL(server.setupUrl ?? "").search);
    const { project, endpoint, key } = await signUpFirstAdmin(page, server);
    await expectClean(signedOut, "/login");
    await expectClean(signedOut, "/no-such-page");
    const pages = [
      "/start",
      "/projects",
      "/account",
      "/account/api",
      ...["", "/endpoints", "/keys", "/live", "/connections", "/usage", "/requests", "/settings"].map((part) => `/p/${project.id}${part}`),
    ];
    pages.push(...["records", "live", "access", "api", "settings"].map((part) => `/p/${project.id}/endpoints/${endpoint.id}/${part}`));
    const headers = { Origin: server.url };
    const data = { name: "customers", kind: "authentication" };
    const created = await page.request.post(`${server.url}/api/manage/projects/${project.id}/endpoints`, { headers, data });
    const people = (await created.json()) as { id: string; name: string };
    pages.push(...["users", "access", "settings"].map((part) => `/p/${project.id}/endpoints/${people.id}/${part}`));
    for (const path of pages) await expectClean(page, path);
    await page.request.post(`${server.url}/api/manage/endpoints/${endpoint.id}/records`, { headers, data: { temperature: 21.5 } });
    await page.request.post(`${server.url}/api/1/ce/${people.name}?key=${key}`, { data: { username: "Grace", password: "open sesame" } });
    await page.setViewportSize({ width: 390, height: 844 });
    for (const path of pages) await expectClean(page, path);
  } finally {
    await server.dispose();
  }
});
