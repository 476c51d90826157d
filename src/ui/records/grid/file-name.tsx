/** The name of a record's file in the grid, with a small picture if the file is one. */
import type { GridRow } from "../../api/record-rows";
import { isPicture, readFileFacts, toFilePath } from "../transfer/file-requests";

/** Larger pictures would take long to load for a row. */
const THUMBNAIL_BYTES_MAX = 500_000;

export function FileName({ endpointId, row, name }: { endpointId: string; row: GridRow; name: string }) {
  const { type, size } = readFileFacts(row);
  const path = toFilePath(endpointId, row.id);
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      {isPicture(type) && size <= THUMBNAIL_BYTES_MAX ? (
        // biome-ignore lint/performance/noImgElement: the picture needs a session and has an unknown size, so it can't be optimised
        <img
          src={path}
          alt=""
          loading="lazy"
          decoding="async"
          className="size-5 shrink-0 rounded-xs border border-line bg-inset object-cover"
        />
      ) : null}
      <a
        href={path}
        target="_blank"
        rel="noreferrer"
        tabIndex={-1}
        data-link=""
        className="truncate text-text no-underline hover:text-focus hover:underline group-data-active/cell:text-focus group-data-active/cell:underline"
      >
        {name}
      </a>
    </span>
  );
}
