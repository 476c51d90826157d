/** A drop zone for files, with a button to choose them. */
"use client";

import { Upload } from "lucide-react";
import { type ComponentProps, useId, useRef, useState } from "react";
import { Button } from "../../components/button";
import { classNames } from "../../components/class-names";

interface Props {
  label: string;
  hint: string;
  /** As for an input element. Without it, all files are accepted. */
  accept?: string;
  multiple?: boolean;
  busy?: boolean;
  onFiles: (files: readonly File[]) => void;
}

export function FilePicker({ label, hint, accept, multiple = false, busy = false, onFiles }: Props) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setIsOver] = useState(false);
  const handlers: ComponentProps<"div"> = {
    onDragOver: (event) => {
      event.preventDefault();
      setIsOver(true);
    },
    onDragLeave: () => setIsOver(false),
    onDrop: (event) => {
      event.preventDefault();
      setIsOver(false);
      const files = [...event.dataTransfer.files];
      if (files.length > 0 && !busy) onFiles(multiple ? files : files.slice(0, 1));
    },
  };
  return (
    <div
      {...handlers}
      className={classNames(
        "flex flex-col items-center gap-3 rounded-md border border-dashed px-4 py-8 text-center transition-colors duration-[120ms]",
        isOver ? "border-focus bg-selected" : "border-control",
      )}
    >
      <Button busy={busy} aria-describedby={id} onClick={() => input.current?.click()}>
        <Upload className="size-4" aria-hidden="true" />
        {label}
      </Button>
      <p id={id} className="text-muted">
        {hint}
        <span className="pointer-coarse:hidden"> Or drop {multiple ? "files" : "a file"} here.</span>
      </p>
      <input
        ref={input}
        type="file"
        aria-label={label}
        tabIndex={-1}
        accept={accept}
        multiple={multiple}
        className="sr-only"
        onChange={({ target }) => {
          const files = [...(target.files ?? [])];
          // Allows the same file to be chosen again.
          target.value = "";
          if (files.length > 0) onFiles(files);
        }}
      />
    </div>
  );
}
