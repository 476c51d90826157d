/** Makes the icons and the social picture in `public/`. Run after a change of the logo: npm run pictures -- icons */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Browser } from "playwright";
import sharp from "sharp";
import { toPng } from "./encode";

const INK = "#191815";
const PAPER = "#fafaf9";
const LIVE = "#4cd7c8";
/** Browsers choose one of these sizes from the file. */
const ICO_SIZES = [16, 32, 48] as const;
const PNGS = { "icon-192.png": 192, "icon-512.png": 512, "apple-touch-icon.png": 180 } as const;
const SOCIAL = { width: 1200, height: 630 };

/** Returns the names of the files. */
export async function makeIcons(browser: Browser, folder = "public"): Promise<string[]> {
  const files: string[] = [];
  const write = async (name: string, content: Buffer) => {
    files.push(path.join(folder, name));
    await writeFile(path.join(folder, name), content);
  };
  const tab = await Promise.all(ICO_SIZES.map((size) => draw(toTile({ radius: 6, inset: 0 }), size)));
  await write("favicon.ico", toIco(tab));
  // Systems cut these to their own shape, so the logo keeps away from the edge.
  for (const [name, size] of Object.entries(PNGS)) await write(name, await draw(toTile({ radius: 0, inset: 6 }), size));
  await write("social.png", await drawSocial(browser));
  return files;
}

const toLogo = (ink: string) =>
  `<path d="M2.5 16h5M24.5 16h5M11.2 7.2v17.6M20.8 7.2v17.6" fill="none" stroke="${ink}" stroke-width="3" stroke-linecap="round"/>
   <circle cx="16" cy="16" r="2.8" fill="${LIVE}"/>`;

/** The logo on a tile of ink, which is seen on light and dark bars alike. */
function toTile({ radius, inset }: { radius: number; inset: number }): string {
  const scale = (32 - 2 * (inset + 2)) / 32;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="${radius}" fill="${INK}"/>
    <g transform="translate(${inset + 2} ${inset + 2}) scale(${scale})">${toLogo(PAPER)}</g></svg>`;
}

function draw(svg: string, size: number): Promise<Buffer> {
  return sharp(Buffer.from(svg), { density: (72 * size) / 32 })
    .resize(size, size)
    .png({ palette: true, compressionLevel: 9 })
    .toBuffer();
}

/** An .ico file of PNGs: a directory with one entry of 16 bytes for each, then the PNGs. */
function toIco(pngs: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(6 + 16 * pngs.length);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(pngs.length, 4);
  let offset = head.length;
  for (const [index, png] of pngs.entries()) {
    const at = 6 + 16 * index;
    const size = ICO_SIZES[index] ?? 0;
    head.writeUInt8(size, at);
    head.writeUInt8(size, at + 1);
    head.writeUInt16LE(1, at + 4);
    head.writeUInt16LE(32, at + 6);
    head.writeUInt32LE(png.length, at + 8);
    head.writeUInt32LE(offset, at + 12);
    offset += png.length;
  }
  return Buffer.concat([head, ...pngs]);
}

async function drawSocial(browser: Browser): Promise<Buffer> {
  const font = async (name: string) => `url(data:font/woff2;base64,${(await readFile(`app/fonts/${name}.woff2`)).toString("base64")})`;
  const page = await browser.newPage({ viewport: SOCIAL });
  try {
    await page.setContent(`<!doctype html><style>
      @font-face { font-family: Inter; font-weight: 100 900; src: ${await font("inter")} }
      @font-face { font-family: Mono; font-weight: 100 800; src: ${await font("jetbrains-mono")} }
      body { margin: 0; box-sizing: border-box; height: 630px; padding: 76px 88px; background: ${INK}; color: ${PAPER}; font: 500 44px/1.3 Inter;
        display: flex; flex-direction: column; justify-content: space-between; letter-spacing: -.015em }
      header { display: flex; align-items: center; gap: 20px; font-weight: 600 } svg { width: 56px }
      h1 { margin: 0; font: 600 64px/1.18 Inter; letter-spacing: -.025em; max-width: 17em }
      pre { margin: 0; font: 400 27px/1.75 Mono; color: #a6a5a0; font-variant-ligatures: none } b { font-weight: 500; color: ${PAPER} } i { font-style: normal; color: ${LIVE} }
      </style><header><svg viewBox="0 0 32 32">${toLogo(PAPER)}</svg>Rested</header>
      <h1>Store JSON. Serve it. Stream every change over the same URL.</h1>
      <pre><b>POST</b>  https://host/api/1/ce/readings   <i>+ create</i>
<b>WS</b>    wss://host/api/1/ce/readings     <i>● live</i></pre>`);
    await page.evaluate("document.fonts.ready");
    return await toPng(await page.screenshot());
  } finally {
    await page.close();
  }
}
