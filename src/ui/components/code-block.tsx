/** A snippet with a copy button. Long lines wrap. */
import { Fragment, type ReactNode } from "react";
import { CopyButton } from "./copy-button";

export function CodeBlock({ code, what, title, onCopied }: { code: string; what: string; title?: string; onCopied?: () => void }) {
  return (
    <figure className="relative min-w-0 overflow-hidden rounded-md border border-line bg-inset">
      {title ? (
        <figcaption className="flex min-h-9 items-center justify-between border-b border-line pr-1.5 pl-3 text-muted">
          <span>{title}</span>
          <CopyButton text={code} what={what} onCopied={onCopied} />
        </figcaption>
      ) : (
        <div className="absolute top-1.5 right-1.5 rounded-sm bg-inset">
          <CopyButton text={code} what={what} onCopied={onCopied} />
        </div>
      )}
      <pre className={`p-3 font-mono text-data leading-5 wrap-anywhere whitespace-pre-wrap ${title ? "" : "pr-10 pointer-coarse:pr-14"}`}>
        <code>{keepBackslashes(code)}</code>
      </pre>
    </figure>
  );
}

/** A backslash that continues a command stays with the end of its line, instead of wrapping onto a line of its own. */
function keepBackslashes(code: string): ReactNode {
  if (!code.includes(" \\\n")) return code;
  return code.split("\n").map((line, index) => {
    const end = /\S{1,6} \\$/.exec(line);
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: lines are identified by their position
      <Fragment key={index}>
        {index > 0 ? "\n" : ""}
        {end ? line.slice(0, end.index) : line}
        {end ? <span className="whitespace-nowrap">{end[0]}</span> : null}
      </Fragment>
    );
  });
}
