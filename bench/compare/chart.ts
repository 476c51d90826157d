/** Draws the ratios of a comparison as an SVG, for light and dark pages. */
import { CASES, FAN_OUTS } from "./cases";
import { isRested, type Report, toRatios } from "./report";

const [WIDTH, LEFT, RIGHT, TOP] = [760, 250, 130, 64];
const [BAR, GAP, GROUP_GAP] = [14, 4, 12];
/** The scale is logarithmic, so that twice and half as fast look the same. */
const [RATIO_MIN, RATIO_MAX] = [1 / 8, 16];
const TICKS = [1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16];

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .quiet { fill: #59636e }
  .line { stroke: #d1d9e0 }
  .one { stroke: #59636e; stroke-width: 1.5 }
  .PocketBase { fill: #0969da } .Centrifugo { fill: #8250df } .bare { fill: #818b98 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .quiet { fill: #9198a1 }
    .line { stroke: #3d444d }
    .one { stroke: #9198a1 }
    .PocketBase { fill: #4493f8 } .Centrifugo { fill: #ab7df8 } .bare { fill: #656c76 }
  }`;

/** One bar for each case and peer: the throughput of the last checkout as a multiple of the peer's. */
export function toChart({ results, options, subjects }: Report): string {
  const shapes: string[] = [];
  let y = TOP;
  for (const { name, title } of [...CASES, ...FAN_OUTS]) {
    const all = results[name] ?? [];
    const rested = all.findLast(({ contender }) => isRested(contender));
    const ratios = rested ? toRatios(rested, all) : [];
    if (ratios.length === 0) continue;
    shapes.push(`<text x="${LEFT - 10}" y="${y + 11}" text-anchor="end">${escapeText(title)}</text>`);
    for (const { peer, ratio } of ratios) {
      const [from, to] = [toX(1), toX(ratio)];
      const kind = peer.split(" ")[0] ?? "";
      shapes.push(
        `<rect class="${kind}" x="${Math.min(from, to)}" y="${y}" width="${round(Math.abs(to - from))}" height="${BAR}" rx="2"/>`,
        `<text x="${round(Math.max(from, to) + 6)}" y="${y + 11}">${ratio.toFixed(2)} × <tspan class="quiet">${escapeText(peer)}</tspan></text>`,
      );
      y += BAR + GAP;
    }
    y += GROUP_GAP;
  }
  const axis = TICKS.map((tick) => {
    const [x, label] = [toX(tick), tick < 1 ? `1/${1 / tick}` : String(tick)];
    return `<line class="${tick === 1 ? "one" : "line"}" x1="${x}" x2="${x}" y1="${TOP - 6}" y2="${y}"/><text class="quiet" x="${x}" y="${TOP - 12}" text-anchor="middle">${label}</text>`;
  });
  const versions = subjects.map(({ name, version }) => `${name} ${version}`.trim()).join(", ");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 16}" role="img" aria-label="The throughput of Rested as a multiple of others">`,
    `<style>${STYLE}\n</style>`,
    `<text class="title" x="10" y="18">Throughput of Rested as a multiple of others</text>`,
    `<text class="quiet" x="10" y="34">Medians of ${options.rounds} alternating rounds. ${escapeText(versions)}</text>`,
    ...axis,
    ...shapes,
    "</svg>\n",
  ].join("\n");
}

function toX(ratio: number): number {
  const share = Math.log(Math.min(RATIO_MAX, Math.max(RATIO_MIN, ratio)) / RATIO_MIN) / Math.log(RATIO_MAX / RATIO_MIN);
  return round(LEFT + share * (WIDTH - LEFT - RIGHT));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
