/** What an operation may answer, by status. */
import type { ApiDocument, ApiResponse } from "@/src/shared/openapi";
import { CodeBlock } from "../components/code-block";
import { Prose } from "./prose";
import { toShape } from "./schema-shape";

export function AnswerList({
  document,
  responses,
}: {
  document: ApiDocument;
  responses: readonly { status: string; response: ApiResponse }[];
}) {
  return (
    <section className="flex min-w-0 flex-col gap-3">
      <h3 className="font-medium">Answers</h3>
      <dl className="flex min-w-0 flex-col gap-3">
        {responses.map(({ status, response }) => (
          <div key={status} className="flex min-w-0 gap-4 max-sm:flex-col max-sm:gap-1">
            <dt className={`w-10 shrink-0 font-mono text-data leading-5 font-medium ${status < "300" ? "text-create" : "text-muted"}`}>
              {status}
            </dt>
            <dd className="flex min-w-0 flex-1 flex-col gap-2">
              <Prose text={response.description} />
              <Shape document={document} response={response} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Errors all have the same shape; it need not be told with each. */
function Shape({ document, response }: { document: ApiDocument; response: ApiResponse }) {
  const json = response.content?.["application/json"];
  const shape = json ? toShape(document, json.schema) : "any";
  return /[{[]/.test(shape) ? <CodeBlock code={shape} what="the shape of the answer" /> : null;
}
