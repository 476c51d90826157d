/** The paths that differ between two versions, each with its value before and after. */
import type { PathChange } from "../../json/json-diff";
import { toCompactText } from "../../json/json-print";
import type { JsonNode } from "../../json/json-tree";
import { type OnValue, ValueButton } from "../../json/value-menu";

const VALUE_LENGTH_MAX = 300;

/** `onValue`: makes the current values buttons. */
export function ChangeList({ changes, onValue }: { changes: readonly PathChange[]; onValue?: OnValue | undefined }) {
  return (
    <ul className="flex flex-col divide-y divide-line font-mono text-data leading-5">
      {changes.map((change) => (
        <ChangedPath key={`${change.op} ${change.path}`} change={change} onValue={onValue} />
      ))}
    </ul>
  );
}

const MARKS: Record<PathChange["op"], { glyph: string; word: string; colour: string }> = {
  added: { glyph: "+", word: "added", colour: "text-create" },
  removed: { glyph: "−", word: "removed", colour: "text-delete" },
  changed: { glyph: "~", word: "changed", colour: "text-update" },
};

function ChangedPath({ change, onValue }: { change: PathChange; onValue: OnValue | undefined }) {
  const { glyph, word, colour } = MARKS[change.op];
  return (
    <li className="grid grid-cols-[1rem_minmax(0,1fr)] py-1.5">
      <span className={colour}>
        <span aria-hidden="true">{glyph}</span>
        <span className="sr-only">{word}</span>
      </span>
      <div className="min-w-0">
        <div className="font-medium wrap-anywhere">{change.path || "(the whole value)"}</div>
        {"before" in change ? <Value label="before" node={change.before} colour="text-delete" glyph="−" /> : null}
        {"after" in change ? (
          <Value
            label="after"
            node={change.after}
            colour="text-create"
            glyph="+"
            onPress={onValue && ((anchor) => onValue(anchor, change.path, change.after))}
          />
        ) : null}
      </div>
    </li>
  );
}

function Value({
  label,
  node,
  colour,
  glyph,
  onPress,
}: {
  label: string;
  node: JsonNode;
  colour: string;
  glyph: string;
  onPress?: ((anchor: HTMLElement) => void) | undefined;
}) {
  const text = toCompactText(node, VALUE_LENGTH_MAX);
  return (
    <div className="grid grid-cols-[1rem_minmax(0,1fr)]">
      <span className={colour} aria-hidden="true">
        {glyph}
      </span>
      <span className="wrap-anywhere whitespace-pre-wrap">
        <span className="sr-only">{label}: </span>
        {onPress ? <ValueButton onPress={onPress}>{text}</ValueButton> : text}
      </span>
    </div>
  );
}
