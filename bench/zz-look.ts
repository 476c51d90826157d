import { pathToFileURL } from "node:url";
import AxeBuilder from "@axe-core/playwright";
import { chromium } from "playwright";
import { signUpFirstAdmin } from "@/e2e/support/dashboard";
import { startServer } from "@/e2e/support/server";

const server = await startServer({ env: { RESTED_RATE_LIMIT: "0" } });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu"] });
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-GB", timezoneId: "UTC" });
const page = await context.newPage();
page.on("pageerror", (e) => console.log("PAGEERROR", e.message));
page.on("console", (m) => {
  if (m.type() === "error") console.log("CONSOLE", m.text().slice(0, 300));
});
const first = await signUpFirstAdmin(page, server);
const axe = async () =>
  (
    await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze()
  ).violations.map(
    (v) =>
      `${v.id}: ${v.nodes
        .map((n) => n.target.join(" ") + " " + (n.any[0]?.message ?? n.failureSummary ?? ""))
        .join(" | ")
        .slice(0, 600)}`,
  );
const { run } = await import(pathToFileURL(process.argv[2] ?? "").href);
try {
  await run({ page, server, ...first, axe, shot: (name: string) => page.screenshot({ path: `/tmp/f/shots/${name}.png` }) });
} finally {
  await browser.close();
  await server.dispose();
}
