/** The file of a record: what it is, a picture of it where it is one, and a way to have it. */
import { Download } from "lucide-react";
import type { GridRow } from "../../api/record-rows";
import { buttonClass } from "../../components/button";
import { formatBytes } from "../../format/format-number";
import { readFileFacts, toFilePath } from "../transfer/file-requests";

/** Pictures that can't run scripts, and that every browser draws. */
const PICTURE = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/;
/** Larger ones are drawn when they are asked for. */
const PICTURE_BYTES_MAX = 20_000_000;

export function FileView({ endpointId, record }: { endpointId: string; record: GridRow }) {
  const { name, type, size } = readFileFacts(record);
  const path = toFilePath(endpointId, record.id);
  return (
    <figure className="flex flex-col gap-3">
      {PICTURE.test(type) && size <= PICTURE_BYTES_MAX ? (
        // biome-ignore lint/performance/noImgElement: a picture behind a session, of unknown size; nothing for an optimiser
        <img
          src={path}
          alt={`Contents of ${name}`}
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
