/** Where a record's file is read from, and how files are sent (F1). It must hold no state. */

import type { GridRow } from "../../api/record-rows";
import { readJson, readProblem, toUnreachable } from "../../api/request-error";
import { getMember, parseStored } from "../../json/json-tree";

/** What a file's record says of it. */
export interface FileFacts {
  name: string;
  type: string;
  size: number;
}

export function readFileFacts({ data }: Pick<GridRow, "data">): FileFacts {
  const file = getMember(parseStored(data), "file");
  const text = (key: string) => {
    const member = getMember(file, key);
    return member?.kind === "string" ? member.value : "";
  };
  const size = getMember(file, "size");
  return { name: text("name") || "file", type: text("type"), size: size?.kind === "number" ? Number(size.text) : 0 };
}

/** The file itself, as the server sends it: inline where its type can't run scripts. */
export function toFilePath(endpointId: string, id: string): string {
  return `/api/manage/endpoints/${endpointId}/files/${id}`;
}

export interface FileUpload {
  endpointId: string;
  file: File;
  /** Hears which part is on its way, from 0 to 1. */
  onProgress: (part: number) => void;
  signal: AbortSignal;
}

/** Stores a file with a record of its own; answers the record's id. By XMLHttpRequest: `fetch` can't tell how much was sent. */
export function uploadFile({ endpointId, file, onProgress, signal }: FileUpload): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/manage/endpoints/${endpointId}/files?${new URLSearchParams({ name: file.name })}`);
    // Without a type the server decides by the extension.
    if (file.type !== "") request.setRequestHeader("Content-Type", file.type);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 1 : loaded / total);
    request.onerror = () => reject(toUnreachable());
    request.onabort = () => reject(new DOMException("The upload was cancelled.", "AbortError"));
    request.onload = () => {
      const { status, responseText } = request;
      const response = new Response(responseText, { status, headers: { "content-type": request.getResponseHeader("content-type") ?? "" } });
      if (!response.ok) return void readProblem(response).then(reject);
      readJson<{ uniqueId: string }>(response).then(({ uniqueId }) => resolve(uniqueId), reject);
    };
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}
