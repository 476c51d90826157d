/** The file of a record: name, type, preview of pictures, download link. */
import { Download } from "lucide-react";
import type { GridRow } from "../../api/record-rows";
import { buttonClass } from "../../components/button";
import { formatBytes } from "../../format/format-number";
import { isPicture, readFileFacts, toFilePath } from "../transfer/file-requests";

/** Larger pictures have no preview. */
const PICTURE_BYTES_MAX = 20_000_000;

export function FileView({ endpointId, record }: { endpointId: string; record: GridRow }) {
  const { name, type, size } = readFileFacts(record);
  const path = toFilePath(endpointId, record.id);
  return (
    <figure className="flex flex-col gap-3">
      {isPicture(type) && size <= PICTURE_BYTES_MAX ? (
        // biome-ignore lint/performance/noImgElement: the picture needs a session and has an unknown size, so it can't be optimised
        <img
          src={path}
          alt={`Preview of ${name}`}
          className="max-h-80 max-w-full self-start rounded-md border border-line bg-inset object-contain"
        />
      ) : null}
      <figcaption className="flex flex-wrap items-center justify-between gap-2">
        <span className="min-w-0">
          <span className="block font-medium wrap-anywhere">{name}</span>
          <span className="text-muted">
            {type}, {formatBytes(size)}
          </span>
        </span>
        <a href={path} download={name} className={buttonClass("secondary")}>
          <Download className="size-4" aria-hidden="true" />
          Download
        </a>
      </figcaption>
    </figure>
  );
}
