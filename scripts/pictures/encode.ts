/** Writes screenshots as small files. */
import { writeFile } from "node:fs/promises";
import sharp from "sharp";

/** A PNG with a palette, because screenshots of the dashboard have few colours. */
export function toPng(screenshot: Buffer): Promise<Buffer> {
  return sharp(screenshot).png({ palette: true, colours: 64, effort: 10, compressionLevel: 9, dither: 0 }).toBuffer();
}

/** A WebP of the same colours, which is smaller still. */
export async function toWebp(screenshot: Buffer): Promise<Buffer> {
  return sharp(await toPng(screenshot))
    .webp({ lossless: true, effort: 6 })
    .toBuffer();
}

/** An animated WebP that repeats. `delaysMs`: how long each frame is shown. */
export async function writeMovie(frames: readonly Buffer[], delaysMs: readonly number[], file: string): Promise<void> {
  const movie = await sharp([...frames], { join: { animated: true } })
    .webp({ delay: [...delaysMs], loop: 0, quality: 82, effort: 5, minSize: true })
    .toBuffer();
  await writeFile(file, movie);
}
