import { describe, expect, it } from "vitest";
import { toMediaType } from "./media-type";

describe("toMediaType", () => {
  it.each([
    ["photo.png", "image/png"],
    ["PHOTO.JPG", "image/jpeg"],
    ["scan.jfif", "image/jpeg"],
    ["song.flac", "audio/flac"],
    ["logo.svg", "image/svg+xml"],
    ["page.html", "text/html"],
    ["clip.webm", "video/webm"],
    ["archive.tar.gz", "application/gzip"],
    ["report.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
    ["png", "application/octet-stream"],
    ["a.unknown", "application/octet-stream"],
    ["a.__proto__", "application/octet-stream"],
    ["a.constructor", "application/octet-stream"],
    ["file", "application/octet-stream"],
  ])("[F1] a file named %s without a type is %s", (name, type) => {
    expect(toMediaType(undefined, name)).toBe(type);
    expect(toMediaType("", name)).toBe(type);
    expect(toMediaType("no type", name)).toBe(type);
  });

  it.each([
    ["application/octet-stream", "application/octet-stream"],
    ["Image/PNG", "image/png"],
    ["image/png; name=x", "image/png"],
    ["text/plain; charset=utf-8", "text/plain"],
    ["text/plain; charset=UTF8", "text/plain"],
    ["text/plain; charset=ISO-8859-1", "text/plain; charset=windows-1252"],
    ['text/csv; header=present; charset="shift_jis"', "text/csv; charset=shift_jis"],
    ["text/html; charset=utf-7", "text/html"],
    ["text/plain; charset=<script>", "text/plain"],
    ["application/json; charset=latin1", "application/json"],
  ])("[F1] the declared type %s is kept as %s", (declared, type) => {
    expect(toMediaType(declared, "a.jpg")).toBe(type);
  });
});
