import { expect, test } from "vitest";
import { toCurl, toFirstCurl } from "../../snippets/snippets";
import { isCurl, parseCurl } from "./parse-curl";
import { type Draft, toDraftRequest } from "./send-record";

const TARGET = { origin: "https://example.com", endpointName: "sensors", key: "abc" };
const ID = "0123456789abcdef0123456789abcdef";

test.each<Draft>([
  { method: "POST", recordId: "", strategy: "force", format: "json", body: '{\n  "it\'s": "a \\"quote\\" and a \\\\"\n}' },
  { method: "POST", recordId: "", strategy: "force", format: "text", body: "two\nlines, $HOME and `x`" },
  { method: "PUT", recordId: ID, strategy: "merge", format: "json", body: '{"a":1}' },
])("the command that the composer shows is read back: %j", (draft) => {
  expect(parseCurl(toCurl(toDraftRequest(draft, TARGET)))).toEqual({ ok: true, draft });
});

test("a DELETE has no body, and the first command of the page is read", () => {
  const draft: Draft = { method: "DELETE", recordId: ID, strategy: "force", format: "json", body: "ignored" };
  expect(parseCurl(toCurl(toDraftRequest(draft, TARGET)))).toEqual({
    ok: true,
    draft: { method: "DELETE", recordId: ID, strategy: "force" },
  });
  expect(parseCurl(toFirstCurl(TARGET))).toMatchObject({ ok: true, draft: { method: "POST", body: '{"hello":"world"}' } });
});

test("other ways to write the same command are read", () => {
  const parsed = { ok: true, draft: { method: "PUT", recordId: ID, strategy: "replace", format: "json", body: '{"a":"é\n"}' } };
  expect(
    parseCurl(`$ curl -sS --request=PUT "https://x/api/1/ce/a?key=k&uniqueId=${ID}&strategy=replace" --data-raw $'{"a":"\\u00e9\\n"}'`),
  ).toEqual(parsed);
  expect(
    parseCurl(`curl -XPUT -H 'content-type: application/json' --compressed -d "{\\"a\\":1}" 'https://x/a?uniqueId=${ID}'`),
  ).toMatchObject({
    draft: { method: "PUT", recordId: ID, body: '{"a":1}' },
  });
});

test.each([
  ["curl https://example.com", /GET/],
  ["curl -d @body.json https://example.com", /body\.json/],
  ["curl -F file=@a.png https://example.com", /uploads a file/],
  ["curl -d '{ https://example.com", /not closed/],
])("%s is refused with the reason", (command, problem) => {
  expect(parseCurl(command)).toEqual({ ok: false, problem: expect.stringMatching(problem) });
});

test("only a curl command is taken for one", () => {
  expect(["curl https://a", "  $ curl -X PUT b", "curl.exe a"].map(isCurl)).toEqual([true, true, true]);
  expect(['{"curl": 1}', "curly hair", "a curl b"].map(isCurl)).toEqual([false, false, false]);
});
