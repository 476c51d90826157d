/** A JSON tree that can be folded. The path and value of every line can be copied. Long arrays and objects are shown in parts. */
"use client";

import { ChevronRight, Ellipsis } from "lucide-react";
import { memo, useState } from "react";
import { copyText } from "../components/copy-button";
import { formatPlural } from "../format/format-number";
import { notify } from "../notifications/notify";
import { joinPath, toCompactText, toPrettyText } from "./json-print";
import type { JsonNode } from "./json-tree";
import { type OnValue, ValueButton } from "./value-menu";

const OPEN_DEPTH = 2;
const CHILDREN_STEP = 100;
const STRING_LENGTH_MAX = 2000;

/** `onValue`: opens a menu for a value. Without it, each line has buttons that copy its path and value. */
export const JsonView = memo(function JsonView({ node, onValue }: { node: JsonNode; onValue?: OnValue | undefined }) {
  return (
    <div className="font-mono text-data leading-5">
      <Line node={node} path="" depth={0} onValue={onValue} />
    </div>
  );
});

interface LineProps {
  node: JsonNode;
  path: string;
  depth: number;
  name?: string | number;
  onValue: OnValue | undefined;
}

function Line({ node, path, depth, name, onValue }: LineProps) {
  const [open, setOpen] = useState(depth < OPEN_DEPTH);
  const children = toChildren(node);
  const label = name === undefined ? null : <span className="text-muted">{name}: </span>;
  if (!children || children.length === 0) {
    return (
      <div className="group/line flex items-start gap-2 rounded-xs pl-4 hover:bg-hover pointer-coarse:min-h-8">
        <span className="min-w-0 flex-1 wrap-anywhere whitespace-pre-wrap">
          {label}
          {onValue ? (
            <ValueButton onPress={(anchor) => onValue(anchor, path, node)}>
              <Leaf node={node} />
            </ValueButton>
          ) : (
            <Leaf node={node} />
          )}
        </span>
        {onValue ? null : <LineActions node={node} path={path} />}
      </div>
    );
  }
  return (
    <div>
      <div className="group/line flex items-start gap-2 rounded-xs hover:bg-hover pointer-coarse:min-h-8">
        <button type="button" aria-expanded={open} onClick={() => setOpen(!open)} className="flex min-w-0 flex-1 items-start text-left">
          <ChevronRight className={`mt-1 mr-0.5 size-3 shrink-0 text-muted ${open ? "rotate-90" : ""}`} aria-hidden="true" />
          <span className="min-w-0 truncate">
            {label}
            <span className="text-muted">{open ? toSize(node, children.length) : toCompactText(node, 80)}</span>
          </span>
        </button>
        {onValue ? <MenuButton path={path} onPress={(anchor) => onValue(anchor, path, node)} /> : <LineActions node={node} path={path} />}
      </div>
      {open ? <Branch entries={children} path={path} depth={depth} onValue={onValue} /> : null}
    </div>
  );
}

function MenuButton({ path, onPress }: { path: string; onPress: (anchor: HTMLElement) => void }) {
  return (
    <button
      type="button"
      aria-haspopup="menu"
      aria-label={path === "" ? "Actions for the whole value" : `Actions for ${path}`}
      onClick={({ currentTarget }) => onPress(currentTarget)}
      className="grid h-5 w-6 shrink-0 place-items-center rounded-xs text-muted opacity-0 group-focus-within/line:opacity-100 group-hover/line:opacity-100 hover:text-text pointer-coarse:h-8 pointer-coarse:w-11 pointer-coarse:opacity-100"
    >
      <Ellipsis className="size-3.5" aria-hidden="true" />
    </button>
  );
}

function Branch({ entries, path, depth, onValue }: Pick<LineProps, "path" | "depth" | "onValue"> & { entries: readonly Child[] }) {
  const [shown, setShown] = useState(CHILDREN_STEP);
  return (
    <div className="ml-[5px] border-l border-line pl-[9px]">
      {entries.slice(0, shown).map(({ step, node }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a JSON object can have a key twice; only the position distinguishes them
        <Line key={index} node={node} path={joinPath(path, step)} depth={depth + 1} name={step} onValue={onValue} />
      ))}
      {entries.length > shown ? (
        <button type="button" onClick={() => setShown(shown + CHILDREN_STEP * 10)} className="pl-4 text-focus">
          Show {entries.length - shown} more
        </button>
      ) : null}
    </div>
  );
}

interface Child {
  step: string | number;
  node: JsonNode;
}

function toChildren(node: JsonNode): readonly Child[] | undefined {
  if (node.kind === "object") return node.entries.map(({ key, value }) => ({ step: key, node: value }));
  if (node.kind === "array") return node.items.map((item, index) => ({ step: index, node: item }));
  return undefined;
}

function toSize(node: JsonNode, count: number): string {
  return formatPlural(count, node.kind === "array" ? "item" : "field");
}

function Leaf({ node }: { node: JsonNode }) {
  if (node.kind === "object") return "{}";
  if (node.kind === "array") return "[]";
  if (node.kind !== "string") return <span className="text-update">{node.text}</span>;
  const text = JSON.stringify(node.value);
  return text.length > STRING_LENGTH_MAX ? `${text.slice(0, STRING_LENGTH_MAX)}… (${text.length} characters)` : text;
}

function LineActions({ node, path }: { node: JsonNode; path: string }) {
  const copy = async (text: string, what: string) => {
    const done = await copyText(text);
    notify(done ? `Copied ${what}.` : "Couldn’t copy. Select the text and copy it yourself.", { quiet: done });
  };
  const value = () => (node.kind === "string" ? node.value : toPrettyText(node));
  return (
    <span className="flex shrink-0 gap-1 opacity-0 group-focus-within/line:opacity-100 group-hover/line:opacity-100 pointer-coarse:opacity-100">
      {path === "" ? null : <LineAction label="path" title={`Copy the path ${path}`} onClick={() => copy(path, "the path")} />}
      <LineAction
        label="value"
        title={path === "" ? "Copy the whole value" : `Copy the value of ${path}`}
        onClick={() => copy(value(), "the value")}
      />
    </span>
  );
}

function LineAction({ label, title, onClick }: { label: string; title: string; onClick: () => void }) {
  return (
    <button
      type="button"
      title={title}
      aria-label={title}
      onClick={onClick}
      className="rounded-xs px-1 font-sans text-data leading-5 text-focus hover:bg-surface"
    >
      {label}
    </button>
  );
}
