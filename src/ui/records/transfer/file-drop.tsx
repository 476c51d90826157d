/** Uploads files to the endpoint. Each file becomes a record (F1). */
"use client";

import { useEffect, useRef, useState } from "react";
import { FILE_BYTES_MAX, FILES_MAX } from "@/src/shared/streams/protocol";
import { RequestError, toRequestError } from "../../api/request-error";
import { Button } from "../../components/button";
import { formatBytes, formatPlural } from "../../format/format-number";
import { FormFailure } from "../../forms/form-failure";
import { notify } from "../../notifications/notify";
import { FilePicker } from "./file-picker";
import { uploadFile } from "./file-requests";

export function FileDrop({ endpointId, onCreated }: { endpointId: string; onCreated: (ids: readonly string[]) => void }) {
  const [sending, setSending] = useState<{ file: File; index: number; count: number; part: number }>();
  const [failure, setFailure] = useState<RequestError>();
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);

  const send = async (files: readonly File[]) => {
    const problem = toProblem(files);
    setFailure(problem);
    if (problem) return;
    const controller = new AbortController();
    abort.current = controller;
    const { signal } = controller;
    const ids: string[] = [];
    try {
      for (const [index, file] of files.entries()) {
        const onProgress = (part: number) => setSending({ file, index, count: files.length, part });
        onProgress(0);
        ids.push(await uploadFile({ endpointId, file, onProgress, signal }));
      }
    } catch (error) {
      if (!signal.aborted) setFailure(toRequestError(error));
    }
    setSending(undefined);
    if (ids.length > 0)
      notify(
        ids.length === files.length ? `Uploaded ${formatPlural(ids.length, "file")}.` : `Uploaded ${ids.length} of ${files.length} files.`,
      );
    if (ids.length === files.length) onCreated(ids);
  };
  return (
    <div className="flex flex-col gap-3">
      {sending ? (
        <div role="status" className="flex flex-col gap-2">
          <span className="wrap-anywhere">
            {sending.file.name}
            {sending.count > 1 ? (
              <span className="text-muted">
                {" "}
                · {sending.index + 1} of {sending.count}
              </span>
            ) : null}
          </span>
          <progress
            aria-label="Upload progress"
            max={1}
            {...(sending.part < 1 ? { value: sending.part } : {})}
            className="h-1.5 w-full appearance-none overflow-hidden rounded-full bg-inset accent-text [&::-webkit-progress-bar]:bg-inset [&::-webkit-progress-value]:bg-text"
          />
          <div>
            <Button onClick={() => abort.current?.abort()}>Cancel</Button>
          </div>
        </div>
      ) : (
        <FilePicker
          multiple
          label="Choose files"
          hint={`Up to ${FILES_MAX} at a time, ${formatBytesDecimal(FILE_BYTES_MAX)} each. Each file becomes a record.`}
          onFiles={(files) => void send(files)}
        />
      )}
      <FormFailure failure={failure} />
    </div>
  );
}

function toProblem(files: readonly File[]): RequestError | undefined {
  const reject = (detail: string) => new RequestError({ code: "upload_invalid", status: 400, requestId: undefined, detail });
  if (files.length > FILES_MAX) return reject(`${files.length} files selected. You can upload up to ${FILES_MAX} at a time.`);
  const large = files.find(({ size }) => size > FILE_BYTES_MAX);
  return large && reject(`${large.name} is ${formatBytes(large.size)}. Files can be up to ${formatBytesDecimal(FILE_BYTES_MAX)}.`);
}

function formatBytesDecimal(bytes: number): string {
  return `${bytes / 1_000_000} MB`;
}
