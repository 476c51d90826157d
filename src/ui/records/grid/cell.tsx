/** A value in a cell of the grid. Types differ in place, quotes and glyphs, not only in colour. */
import { formatTime } from "../../format/format-time";
import type { CellContent } from "./cell-content";

/** `showTimes`: times are local, and the server does not know the time zone. */
export function CellValue({ content: { kind, text, reference }, showTimes }: { content: CellContent; showTimes: boolean }) {
  switch (kind) {
    case "missing":
      return null;
    case "null":
      return <span className="text-muted italic">null</span>;
    case "boolean":
      return (
        <>
          <span aria-hidden="true" className="mr-1.5 text-muted">
            {text === "true" ? "●" : "○"}
          </span>
          {text}
        </>
      );
    case "quoted":
      return (
        <>
          <span className="text-muted">&quot;</span>
          {text}
          <span className="text-muted">&quot;</span>
        </>
      );
    case "date":
      return showTimes ? (
        <time dateTime={text} title={text}>
          {formatTime(text)}
        </time>
      ) : (
        text
      );
    case "link":
      return (
        <a
          href={text}
          tabIndex={-1}
          target="_blank"
          rel="noreferrer noopener"
          data-link=""
          className="text-text no-underline hover:text-focus hover:underline group-data-active/cell:text-focus group-data-active/cell:underline"
        >
          {text}
        </a>
      );
    case "id":
      return (
        <span
          data-reference={reference}
          title="Open this record (Ctrl ↵)"
          className="cursor-pointer hover:text-focus hover:underline group-data-active/cell:text-focus group-data-active/cell:underline"
        >
          {text}
        </span>
      );
    case "object":
      return (
        <span
          data-reference={reference}
          title={reference ? "Open this record (Ctrl ↵)" : undefined}
          className={
            reference ? "cursor-pointer text-muted hover:text-focus hover:underline group-data-active/cell:text-focus" : "text-muted"
          }
        >
          {text}
        </span>
      );
    case "array":
    case "start":
      return <span className="text-muted">{text}</span>;
    default:
      return text;
  }
}
