/** The responses of an operation, by status. The many errors are folded. */
import type { ApiDocument, ApiResponse } from "@/src/shared/openapi";
import { CodeBlock } from "../components/code-block";
import { Prose } from "./prose";
import { toShape } from "./schema-shape";

interface Props {
  document: ApiDocument;
  responses: readonly { status: string; response: ApiResponse }[];
}

export function ResponseList({ document, responses }: Props) {
  const errors = responses.filter(({ status }) => status >= "400");
  return (
    <section className="flex min-w-0 flex-col gap-3">
      <h3 className="font-medium">Responses</h3>
      <Responses document={document} responses={responses.filter(({ status }) => status < "400")} />
      {errors.length > 0 ? (
        <details className="min-w-0">
          <summary className="w-fit rounded-sm py-1 text-muted hover:text-text">Errors ({errors.length})</summary>
          <div className="pt-2">
            <Responses document={document} responses={errors} />
          </div>
        </details>
      ) : null}
    </section>
  );
}

function Responses({ document, responses }: Props) {
  return (
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
  );
}

/** The shape of a JSON body. All errors have the same shape, which is not repeated here. */
function Shape({ document, response }: { document: ApiDocument; response: ApiResponse }) {
  const json = response.content?.["application/json"];
  const shape = json ? toShape(document, json.schema) : "any";
  return /[{[]/.test(shape) ? <CodeBlock code={shape} what="the response shape" /> : null;
}
