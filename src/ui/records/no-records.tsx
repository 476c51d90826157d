/** Shown instead of an empty grid. */
import type { EndpointKind } from "@/src/shared/streams/protocol";
import { Button } from "../components/button";
import { CodeBlock } from "../components/code-block";
import { EmptyState } from "../components/page/empty-state";
import { type Target, toCurl, toEmailCurl, toFirstCurl, toHttpUrl } from "../snippets/snippets";

const FIRST_USER = '{"username":"ada","password":"choose a long one"}';

export function NoRecords({ kind, target, onCreate }: { kind: EndpointKind; target: Target; onCreate: () => void }) {
  const isUsers = kind === "authentication";
  if (kind === "email") {
    return (
      <div className="flex-1 overflow-y-auto p-4">
        <div className="mx-auto max-w-[44rem] pt-[6vh]">
          <EmptyState sentence="No e-mails yet.">
            <CodeBlock code={toEmailCurl(target)} what="the curl command" title="Send with curl" />
          </EmptyState>
        </div>
      </div>
    );
  }
  const code = isUsers
    ? toCurl({ method: "POST", url: toHttpUrl(target), body: { content: FIRST_USER, contentType: "application/json" } }).replace(
        "--data-binary",
        "-d",
      )
    : toFirstCurl(target);
  return (
    <div className="flex-1 overflow-y-auto p-4">
      <div className="mx-auto max-w-[44rem] pt-[6vh]">
        <EmptyState
          sentence={isUsers ? "No users yet." : "No records yet."}
          action={
            <Button tone="primary" onClick={onCreate}>
              {isUsers ? "Register a user" : "Create the first record"}
            </Button>
          }
        >
          <CodeBlock code={code} what="the curl command" title={isUsers ? "Register with curl" : "Store with curl"} />
        </EmptyState>
      </div>
    </div>
  );
}

/** `refused`: why the endpoint refuses all requests of the viewer. */
export function NothingReadable({ viewer, refused }: { viewer: string | null; refused: string | undefined }) {
  return (
    <div className="flex flex-1 flex-col items-center gap-1 px-4 pt-[12vh] text-center">
      <p className="text-prose">
        {viewer === null ? "Records here can’t be read without logging in." : `${viewer} can’t read any record here.`}
      </p>
      {refused === undefined ? null : <p className="text-muted">{refused}</p>}
    </div>
  );
}

export function NoMatches({ onClear }: { onClear: () => void }) {
  return (
    <div className="flex flex-1 flex-col items-center gap-3 px-4 pt-[12vh]">
      <p className="text-prose">No records match.</p>
      <Button onClick={onClear}>Clear search and filters</Button>
    </div>
  );
}
