/** Tests parsing data-plane addresses. */
import { describe, expect, it } from "vitest";
import { isDataPath, parseDataAddress } from "@/src/shared/streams/data-path";

describe("parseDataAddress", () => {
  it.each([
    ["/api/1/ce/some/endpoint?key=k&a=?b", { version: "1", endpointName: "some/endpoint", query: "key=k&a=?b" }],
    ["/api/2/ce/x", { version: "2", endpointName: "x", query: "" }],
    ["/api/1/ce/some%2Fendpoint", { version: "1", endpointName: "some/endpoint", query: "" }],
    ["/api/1/ce/bad%escape%", { version: "1", endpointName: "bad%escape%", query: "" }],
    ["/api/1/ce/name/", { version: "1", endpointName: "name/", query: "" }],
    ["/api/1/ce//name", { version: "1", endpointName: "/name", query: "" }],
    ["/api/1/ce/", { version: "1", endpointName: "", query: "" }],
    ["/api/1/ce", { version: "1", endpointName: "", query: "" }],
    ["/api/1/ce?key=k", { version: "1", endpointName: "", query: "key=k" }],
    ["/api/1/ce/../../manage/projects", { version: "1", endpointName: "../../manage/projects", query: "" }],
    ["http://host:80/api/1/ce/name?key=k", { version: "1", endpointName: "name", query: "key=k" }],
  ])("[U1] %s", (url, address) => {
    expect(parseDataAddress(url)).toEqual(address);
    expect(isDataPath(url)).toBe(true);
  });

  it.each([
    ["/api/1/ce/name:data?key=k", { version: "1", endpointName: "name", query: "dataOnly=true&key=k", form: "data" }],
    ["/api/1/ce/a/b%3Abulk", { version: "1", endpointName: "a/b", query: "bulk=true&", form: "bulk" }],
    ["/api/1/ce/name:events", { version: "1", endpointName: "name", query: "&", form: "events" }],
    ["/api/1/ce/name:toString", { version: "1", endpointName: "name:toString", query: "" }],
    ["/api/1/ce/name:data:bulk", { version: "1", endpointName: "name:data:bulk", query: "" }],
    ["/api/1/ce/name:", { version: "1", endpointName: "name:", query: "" }],
  ])("[U17] %s", (url, address) => {
    expect(parseDataAddress(url)).toEqual(address);
  });

  it.each([
    "/",
    "",
    "*",
    "/api/1/cex/name",
    "/api/1",
    "/api//ce/name",
    "/x/api/1/ce/name",
    "/api/manage/projects?next=/api/1/ce/x",
    "/API/1/ce/x",
  ])("[U1] %s is not an address of the data plane", (url) => {
    expect(isDataPath(url)).toBe(false);
  });
});
