/** A chart over time, drawn by UPlot. Load it lazily. Its data is also in a table beside it (chart-panel.tsx). */
"use client";

import { useEffect, useRef } from "react";
import "uplot/dist/uPlot.min.css";
import UPlot from "uplot";

export interface Series {
  label: string;
  /** The name of a design token. */
  color: "live" | "delete" | "update" | "create" | "warn" | "muted";
  values: readonly (number | null)[];
  filled?: boolean;
}

const HEIGHT = 168;

/** `times`: the beginnings of the steps, in seconds since 1970. `format`: of a value on the axis. */
export default function Chart({
  times,
  series,
  format,
  label,
}: {
  times: readonly number[];
  series: readonly Series[];
  format: (value: number) => string;
  label: string;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | undefined>(undefined);
  const latest = useRef({ times, series, format });
  latest.current = { times, series, format };

  useEffect(() => {
    const node = frame.current;
    if (!node) return;
    const redraw = () => {
      plot.current?.destroy();
      const { times: at, series: lines, format: toText } = latest.current;
      plot.current = new UPlot(toOptions(node, lines, toText), toData(at, lines), node);
    };
    redraw();
    const resize = new ResizeObserver(() => plot.current?.setSize({ width: node.clientWidth, height: HEIGHT }));
    resize.observe(node);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", redraw);
    const theme = new MutationObserver(redraw);
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => {
      resize.disconnect();
      theme.disconnect();
      scheme.removeEventListener("change", redraw);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, []);

  useEffect(() => {
    plot.current?.setData(toData(times, series));
  }, [times, series]);

  return <div ref={frame} role="img" aria-label={label} className="w-full" style={{ height: HEIGHT }} />;
}

function toData(times: readonly number[], series: readonly Series[]): UPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])];
}

function toOptions(node: HTMLElement, series: readonly Series[], format: (value: number) => string): UPlot.Options {
  const font = `11px ${getComputedStyle(node).fontFamily}`;
  const axis = { stroke: paint("muted"), font, ticks: { show: false }, grid: { stroke: paint("line"), width: 1 } };
  return {
    width: node.clientWidth,
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    scales: { y: { range: (_, __, max) => [0, Math.max(max, 1) * 1.1] } },
    axes: [
      { ...axis, grid: { show: false }, size: 24, space: 64, values: (_, splits) => toTimeLabels(splits) },
      { ...axis, size: 52, space: 36, values: (_, splits) => toValueLabels(splits, format) },
    ],
    series: [
      {},
      ...series.map(({ label, color, filled }) => ({
        label,
        stroke: paint(color),
        width: 1.5,
        points: { show: false },
        spanGaps: false,
        ...(filled ? { fill: paint(color, 0.12) } : {}),
      })),
    ],
    hooks: { setCursor: [(chart) => showTip(node, chart, series, format)], ready: [(chart) => addTip(node, chart)] },
  };
}

/** Canvases do not know variables and `light-dark()`, so the browser computes the color. */
function paint(token: string, alpha = 1): string {
  const probe = document.createElement("span");
  probe.style.color = `color-mix(in oklab, var(--${token}) ${alpha * 100}%, transparent)`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const moment = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** Each text once: a small count has no halves. */
function toValueLabels(splits: readonly number[], format: (value: number) => string): string[] {
  const labels = splits.map((value) => format(value));
  return labels.map((label, index) => (labels.indexOf(label) === index ? label : ""));
}

function toTimeLabels(splits: readonly number[]): string[] {
  const isDays = (splits[1] ?? 0) - (splits[0] ?? 0) >= 86_400;
  return splits.map((at) => (isDays ? day : clock).format(at * 1000));
}

function addTip(node: HTMLElement, chart: UPlot): void {
  const tip = document.createElement("div");
  tip.className =
    "pointer-events-none absolute top-1 z-10 hidden rounded-md border border-line-firm bg-surface px-2 py-1 text-data whitespace-nowrap tabular-nums";
  tip.dataset.tip = "";
  // uPlot sets a font of its own.
  tip.style.fontFamily = getComputedStyle(node).fontFamily;
  node.style.position = "relative";
  node.querySelector("[data-tip]")?.remove();
  chart.over.append(tip);
}

function showTip(node: HTMLElement, chart: UPlot, series: readonly Series[], format: (value: number) => string): void {
  const tip = node.querySelector<HTMLElement>("[data-tip]");
  const { idx, left = -1 } = chart.cursor;
  const at = idx == null ? undefined : chart.data[0][idx];
  if (!tip) return;
  tip.classList.toggle("hidden", at === undefined || left < 0);
  if (at === undefined || idx == null) return;
  const lines = series.map(({ label }, index) => {
    const value = chart.data[index + 1]?.[idx];
    return `${label} ${value == null ? "–" : format(value)}`;
  });
  tip.textContent = `${moment.format(at * 1000)} · ${lines.join(" · ")}`;
  const isRight = left + tip.offsetWidth + 16 > chart.over.clientWidth;
  tip.style.left = isRight ? "auto" : `${left + 8}px`;
  // It stays within the chart on narrow windows.
  tip.style.right = isRight
    ? `${Math.min(chart.over.clientWidth - left + 8, Math.max(0, chart.over.clientWidth - tip.offsetWidth))}px`
    : "auto";
}
