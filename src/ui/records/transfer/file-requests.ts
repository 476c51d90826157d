/** Reads the file of a record, and uploads files (F1). */

import type { GridRow } from "../../api/record-rows";
import { readJson, readProblem, toUnreachable } from "../../api/request-error";
import { getMember, parseStored } from "../../json/json-tree";

/** The file's metadata in its record. */
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

/** Image types that can't run scripts and that every browser supports. */
const PICTURE = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/;

/** True for a type that is shown as a picture. */
export function isPicture(type: string): boolean {
  return PICTURE.test(type);
}

/** The URL path of the file. The server sends types that can't run scripts inline. */
export function toFilePath(endpointId: string, id: string): string {
  return `/api/manage/endpoints/${endpointId}/files/${id}`;
}

export interface FileUpload {
  endpointId: string;
  file: File;
  /** Called with the part that was sent, from 0 to 1. */
  onProgress: (part: number) => void;
  signal: AbortSignal;
}

/** Stores a file as a new record and returns the record's id. Uses XMLHttpRequest, because `fetch` does not report upload progress. */
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
