/** Draws a CPU profile as a flame graph, and lists where the time goes. */
import type { CpuProfile } from "../support/inspector";

const [WIDTH, ROW, TOP] = [1_200, 17, 40];
/** Narrower frames are left out. */
const WIDTH_MIN = 0.6;
const CHARACTER_WIDTH = 6.6;
/** Time in which nothing runs. */
const IDLE = new Set(["(idle)", "(program)"]);

interface Frame {
  name: string;
  /** The file and line. Empty: part of V8 or Node.js. */
  place: string;
  self: number;
  total: number;
  children: Map<string, Frame>;
}

/** Each function's share of the time in which something ran, largest first. */
export function listSelfTimes(profile: CpuProfile): { share: number; label: string }[] {
  const root = toTree(profile);
  const sums = new Map<string, number>();
  const visit = (frame: Frame): void => {
    const label = `${frame.name} ${frame.place}`.trim();
    sums.set(label, (sums.get(label) ?? 0) + frame.self);
    for (const child of frame.children.values()) visit(child);
  };
  visit(root);
  return [...sums].map(([label, self]) => ({ share: self / root.total, label })).sort((a, b) => b.share - a.share);
}

/** An SVG with a title for each frame. The width of a frame is its time, without the time in which nothing ran. */
export function toFlameGraph(profile: CpuProfile, title: string): string {
  const root = toTree(profile);
  const shapes: string[] = [];
  let deepest = 0;
  const draw = (frame: Frame, x: number, depth: number): void => {
    const width = (frame.total / root.total) * WIDTH;
    if (width < WIDTH_MIN) return;
    deepest = Math.max(deepest, depth);
    const y = TOP + depth * ROW;
    const share = ((frame.total / root.total) * 100).toFixed(1);
    const shown = frame.name.slice(0, Math.max(0, Math.floor((width - 6) / CHARACTER_WIDTH)));
    shapes.push(
      `<g><title>${toXml(`${frame.name} ${frame.place} ${share} %`)}</title><rect class="${toKind(frame)}" x="${x.toFixed(1)}" y="${y}" width="${(width - 0.4).toFixed(1)}" height="${ROW - 1}"/>${
        shown.length > 2 ? `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${toXml(shown)}</text>` : ""
      }</g>`,
    );
    let at = x;
    for (const child of [...frame.children.values()].sort((a, b) => b.total - a.total)) {
      draw(child, at, depth + 1);
      at += (child.total / root.total) * WIDTH;
    }
  };
  draw(root, 0, 0);
  const style = `text { font: 11px ui-monospace, monospace; fill: #1f2328 } .title { font-size: 14px }
    .own { fill: #ffb77c } .package { fill: #80ccff } .node { fill: #aceebb } .native { fill: #d1d9e0 }
    @media (prefers-color-scheme: dark) { .title { fill: #f0f6fc } }`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${TOP + (deepest + 2) * ROW}" role="img" aria-label="Flame graph: ${toXml(title)}">`,
    `<style>${style}</style>`,
    `<text class="title" x="4" y="22">${toXml(title)} (orange: Rested, blue: packages, green: Node.js, grey: native)</text>`,
    ...shapes,
    "</svg>\n",
  ].join("\n");
}

/** Merges the calls of one function from one caller. */
function toTree({ nodes, samples, timeDeltas }: CpuProfile): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const self = new Map<number, number>();
  for (const [index, id] of samples.entries()) {
    if (!IDLE.has(byId.get(id)?.callFrame.functionName ?? "")) self.set(id, (self.get(id) ?? 0) + (timeDeltas[index] ?? 0));
  }
  const [first] = nodes;
  const root: Frame = { name: "all", place: "", self: 0, total: 0, children: new Map() };
  const add = (id: number, parent: Frame): number => {
    const node = byId.get(id);
    if (!node) return 0;
    const { functionName, url, lineNumber } = node.callFrame;
    const place =
      url === ""
        ? ""
        : `${url
            .replace(/^file:\/\//, "")
            .split("/")
            .slice(-3)
            .join("/")}:${lineNumber + 1}`;
    const key = `${functionName} ${place}`;
    const frame = parent.children.get(key) ?? {
      name: functionName || "(anonymous)",
      place,
      self: 0,
      total: 0,
      children: new Map<string, Frame>(),
    };
    const own = self.get(id) ?? 0;
    const total = (node.children ?? []).reduce((sum, child) => sum + add(child, frame), own);
    frame.self += own;
    frame.total += total;
    if (frame.total > 0) parent.children.set(key, frame);
    return total;
  };
  root.total = (first?.children ?? []).reduce((sum, child) => sum + add(child, root), 0);
  return root;
}

function toKind({ place, name }: Frame): string {
  if (place === "") return "native";
  if (place.startsWith("node:") || name.startsWith("node:")) return "node";
  return place.includes("dist/server.js") ? "own" : "package";
}

function toXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
