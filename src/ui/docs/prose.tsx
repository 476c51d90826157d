/** Text of a description: paragraphs, and `code` in backticks. No other Markdown. */
import { Fragment } from "react";

export function Prose({ text, inline = false }: { text: string; inline?: boolean }) {
  if (inline) return <Line text={text} />;
  return (
    <div className="flex max-w-[44rem] flex-col gap-2">
      {text.split("\n\n").map((paragraph) => (
        <p key={paragraph}>
          <Line text={paragraph} />
        </p>
      ))}
    </div>
  );
}

function Line({ text }: { text: string }) {
  return text.split("`").map((part, index) => {
    // Parts have no identity other than their position.
    const key = `${index}`;
    return index % 2 === 1 ? (
      <code key={key} className="text-data text-text wrap-anywhere">
        {part}
      </code>
    ) : (
      <Fragment key={key}>{part}</Fragment>
    );
  });
}
