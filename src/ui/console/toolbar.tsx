/** The toolbar above the list: connection status, pause, filter, counts, shortcuts. */
"use client";

import { Download, Keyboard, Pause, Play } from "lucide-react";
import { type ComponentProps, type RefObject, useRef } from "react";
import { Button } from "../components/button";
import { classNames } from "../components/class-names";
import { formatCount, formatPlural } from "../format/format-number";
import { ConnectionStatus } from "../stream/connection-status";
import { OPERATION_STYLES, OPERATIONS, type Operation } from "../stream/operations";
import type { Flush } from "./engine/console-messages";
import type { EventFilter } from "./engine/event-filter";
import { FilterField } from "./filter-field";
import { SeekMenu } from "./seek-menu";
import { toTooltip } from "./shortcuts";

interface Props {
  flush: Flush;
  filter: EventFilter;
  filterRef: RefObject<HTMLInputElement | null>;
  onFilter: (filter: EventFilter) => void;
  onPause: () => void;
  onResume: () => void;
  onSkip: () => void;
  onSeek: ComponentProps<typeof SeekMenu>["onSeek"];
  onReconnect: () => void;
  onExport: () => void;
  onSheet: () => void;
}

export function Toolbar({ flush, filter, filterRef, onFilter, onPause, onResume, onSkip, onSeek, onReconnect, onExport, onSheet }: Props) {
  return (
    <div className="flex shrink-0 flex-wrap items-center gap-x-3 gap-y-2 border-b border-line px-4 py-2 max-sm:px-3">
      <ConnectionStatus connection={flush.connection} rate={flush.rate} onReconnect={onReconnect} />
      <PauseControls flush={flush} onPause={onPause} onResume={onResume} onSkip={onSkip} />
      <div className="flex min-w-64 flex-1 items-center justify-end gap-2 max-sm:min-w-full">
        <OperationFilter filter={filter} onFilter={onFilter} />
        <FilterField filter={filter} inputRef={filterRef} problem={flush.filterProblem} onFilter={onFilter} />
        <SeekMenu onSeek={onSeek} onRange={(range) => onFilter({ ...filter, range })} />
        <Counts flush={flush} />
        <Button tone="quiet" square aria-label="Export changes" title={toTooltip("export", "Export changes")} onClick={onExport}>
          <Download className="size-4" aria-hidden="true" />
        </Button>
        <span className="max-md:hidden">
          <Button tone="quiet" square aria-label="Keyboard shortcuts" title={toTooltip("sheet", "Keyboard shortcuts")} onClick={onSheet}>
            <Keyboard className="size-4" aria-hidden="true" />
          </Button>
        </span>
      </div>
    </div>
  );
}

/** One button pauses and resumes, so that it keeps the focus. */
function PauseControls({
  flush: { paused, buffered },
  onPause,
  onResume,
  onSkip,
}: Pick<Props, "flush" | "onPause" | "onResume" | "onSkip">) {
  const pause = useRef<HTMLButtonElement>(null);
  return (
    <div className="flex items-center gap-2">
      {paused ? (
        <span className="text-warn">
          <span className="font-medium">Paused</span> · {formatCount(buffered)} buffered
        </span>
      ) : null}
      <Button
        ref={pause}
        tone={paused ? "secondary" : "quiet"}
        square={!paused}
        aria-label={paused ? undefined : "Pause"}
        title={toTooltip("pause", paused ? "Resume" : "Pause")}
        onClick={paused ? onResume : onPause}
      >
        {paused ? <Play className="size-3.5" aria-hidden="true" /> : <Pause className="size-4" aria-hidden="true" />}
        {paused ? "Resume" : null}
      </Button>
      {paused && buffered > 0 ? (
        <Button
          tone="quiet"
          title={toTooltip("live", "Skip to live")}
          onClick={() => {
            onSkip();
            pause.current?.focus();
          }}
        >
          Skip to live
        </Button>
      ) : null}
    </div>
  );
}

function OperationFilter({ filter, onFilter }: { filter: EventFilter; onFilter: (filter: EventFilter) => void }) {
  const toggle = (operation: Operation) => {
    const shown = filter.operations.includes(operation);
    onFilter({ ...filter, operations: OPERATIONS.filter((each) => (each === operation ? !shown : filter.operations.includes(each))) });
  };
  return (
    <fieldset className="flex shrink-0 rounded-md border border-line-firm bg-surface p-0.5">
      <legend className="sr-only">Shown operations</legend>
      {OPERATIONS.map((operation) => {
        const shown = filter.operations.includes(operation);
        const { glyph, colour } = OPERATION_STYLES[operation];
        return (
          <button
            key={operation}
            type="button"
            aria-pressed={shown}
            title={shown ? `Hide ${operation}` : `Show ${operation}`}
            onClick={() => toggle(operation)}
            className={classNames(
              "flex h-[26px] min-w-6 items-center justify-center gap-1 rounded-sm px-1.5 text-data transition-colors duration-[120ms] hover:text-text pointer-coarse:h-10 pointer-coarse:min-w-10",
              shown ? "bg-hover text-text" : "text-muted",
            )}
          >
            <span aria-hidden="true" className={classNames("font-mono", shown && colour)}>
              {glyph}
            </span>
            <span className="max-xl:sr-only">{operation}</span>
          </button>
        );
      })}
    </fieldset>
  );
}

function Counts({ flush: { total, discarded } }: { flush: Flush }) {
  return (
    <span className="shrink-0 text-muted tabular-nums max-sm:sr-only" title="Changes in this console">
      {formatPlural(total, "change")}
      {discarded > 0 ? (
        <span className="text-warn" title="The console holds up to 100,000 changes or 128 MB. Older changes are still in the log.">
          {" "}
          · oldest {formatCount(discarded)} discarded
        </span>
      ) : null}
    </span>
  );
}
