import { expect, it } from "vitest";
import { parseStore } from "../../console/compose/request-store";
import { forgetSentRequests, REQUESTS } from "./sent-requests";

/** A storage as browsers have it. */
class BrowserStorage extends Map<string, string> implements Storage {
  get length() {
    return this.size;
  }
  key = (index: number) => [...this.keys()][index] ?? null;
  getItem = (key: string) => this.get(key) ?? null;
  setItem = (key: string, value: string) => void this.set(key, value);
  removeItem = (key: string) => void this.delete(key);
}

it("[G33] the requests of all projects that were sent from the console are forgotten with the variables, and saved ones stay", () => {
  const draft = { method: "POST", recordId: "", strategy: "replace", format: "json", body: '{"name":"Ann"}' };
  const saved = [{ name: "Make one", draft }];
  const text = JSON.stringify({
    history: [{ draft, endpointId: "e", status: 201, atMs: 1 }],
    saved,
    variables: [{ name: "a", value: "1" }],
  });
  expect(parseStore(text).history).toHaveLength(1);
  const storage = new BrowserStorage();
  for (const name of [`${REQUESTS}one`, `${REQUESTS}two`, "theme"]) storage.setItem(name, text);
  storage.setItem(`${REQUESTS}broken`, '{"history":[{"body":"Ann');
  forgetSentRequests(storage);
  for (const name of ["one", "two"])
    expect(parseStore(storage.getItem(REQUESTS + name) ?? "")).toEqual({ history: [], saved, variables: [] });
  expect(storage.getItem("theme")).toBe(text);
  expect(storage.getItem(`${REQUESTS}broken`)).toBeNull();
});
