/**
 * Makes the pictures of the dashboard: starts the production build with sample data, and photographs its pages in both themes and two widths.
 * Run: npm run pictures [-- page …] [--out=docs/pictures] [--no-build] [--no-movie]. Without pages, all of them and the moving picture are made.
 * The icons in public/ are made only by `npm run pictures -- icons`.
 */
import { mkdir, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { type Browser, type BrowserContext, chromium } from "playwright";
import { type RunningServer, startServer } from "@/e2e/support/server";
import { build } from "@/scripts/setup/build.mjs";
import { findChromium } from "@/scripts/setup/chromium.mjs";
import { toWebp } from "./encode";
import { makeIcons } from "./icons";
import { makeMovie } from "./movie";
import { PICTURES, type Picture } from "./pages";
import { createSampleData, type SampleData } from "./sample-data";
import { startTraffic } from "./traffic";

const WIDTHS = [
  { name: "", viewport: { width: 1440, height: 900 }, scale: 1 },
  { name: "-390", viewport: { width: 390, height: 844 }, scale: 2 },
] as const;
const THEMES = ["light", "dark"] as const;

const DEFAULT_PORT = 3_000;

const args = process.argv.slice(2);
const names = args.filter((arg) => !arg.startsWith("--"));
const folder = args.find((arg) => arg.startsWith("--out="))?.slice("--out=".length) ?? "docs/pictures";
const known = [...PICTURES.map(({ name }) => name), "console-live", "icons"];
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`Unknown picture: ${unknown.join(", ")}. There are: ${known.join(", ")}.`);
  process.exitCode = 2;
} else if (names.length === 1 && names[0] === "icons")
  await withBrowser(async (browser) => Promise.all((await makeIcons(browser)).map(report)));
else await withBrowser(photographAll);

async function withBrowser(use: (browser: Browser) => Promise<unknown>): Promise<void> {
  const executablePath = findChromium();
  const browser = await chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--font-render-hinting=none"],
  });
  try {
    await use(browser);
  } finally {
    await browser.close();
  }
}

async function photographAll(browser: Browser): Promise<void> {
  if (!args.includes("--no-build")) await build();
  await mkdir(folder, { recursive: true });
  const server = await startServer({
    port: await findPort(),
    env: { RESTED_RATE_LIMIT: "0", RESTED_MANAGEMENT_RATE_LIMIT: "0", RESTED_WEBHOOK_HTTP: "1", RESTED_OUTBOUND_ALLOWED: "127.0.0.1" },
  });
  try {
    const data = await createSampleData(server);
    try {
      await photographSample(browser, server, data);
    } finally {
      await data.dispose();
    }
  } finally {
    await server.dispose();
  }
}

async function photographSample(browser: Browser, server: RunningServer, data: SampleData): Promise<void> {
  const isMovieWanted = names.length === 0 ? !args.includes("--no-movie") : names.includes("console-live");
  // First, because it shows only its own changes.
  if (isMovieWanted) await report(await makeMovie(browser, data, folder));
  const traffic = await startTraffic(server, data);
  const wanted = PICTURES.filter(({ name }) => names.length === 0 || names.includes(name));
  await Promise.all(THEMES.flatMap((theme) => WIDTHS.map((width) => photograph(browser, data, wanted, theme, width))));
  await traffic.stop();
}

async function photograph(
  browser: Browser,
  data: SampleData,
  pictures: readonly Picture[],
  theme: (typeof THEMES)[number],
  { name: width, viewport, scale }: (typeof WIDTHS)[number],
): Promise<void> {
  const options = {
    baseURL: data.url,
    viewport,
    deviceScaleFactor: scale,
    colorScheme: theme,
    locale: "en-GB",
    timezoneId: "UTC",
  } as const;
  const visitor = await browser.newContext(options);
  const owner = await browser.newContext({ ...options, storageState: data.signedIn });
  try {
    for (const picture of pictures) {
      const file = path.join(folder, `${picture.name}${width}-${theme}.webp`);
      await takePicture(picture.isPublic ? visitor : owner, data, picture, file);
    }
  } finally {
    await visitor.close();
    await owner.close();
  }
}

async function takePicture(context: BrowserContext, data: SampleData, picture: Picture, file: string): Promise<void> {
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  try {
    await page.goto(picture.path(data));
    await picture.prepare(page, data).catch((error: Error) => fail(file, error));
    await page.evaluate("document.fonts.ready");
    // No cursor in fields, and no fades that are half done.
    await page
      .addStyleTag({ content: "*, ::before, ::after { transition: none !important; animation: none !important; }" })
      .catch(() => undefined);
    await writeFile(file, await toWebp(await page.screenshot({ caret: "hide", animations: "disabled" })));
    await report(file);
  } finally {
    await page.close();
  }
}

/** The picture is taken as the page is, because it shows why it is not ready. */
function fail(file: string, error: Error): void {
  process.exitCode = 1;
  console.error(`${file} is not complete: ${error.message.split("\n", 2).join(" ")}`);
}

/** The default port, which the snippets on the pictures then have; another one if it is in use. */
async function findPort(): Promise<number> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once("error", () => resolve(0));
    probe.listen(DEFAULT_PORT, "127.0.0.1", () => probe.close(() => resolve(DEFAULT_PORT)));
  });
}

async function report(file: string): Promise<void> {
  console.log(`${file} ${Math.ceil((await stat(file)).size / 1024)} KB`);
}
