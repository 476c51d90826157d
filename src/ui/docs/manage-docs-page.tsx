/** The docs of the management API, by what it is about; requests are tried with the reader's own session. */
"use client";

import Link from "next/link";
import { type ApiDocument, listOperations } from "@/src/shared/openapi";
import { buttonClass } from "../components/button";
import { Page, Section } from "../components/page/page";
import type { CallContext } from "./call";
import { OperationList } from "./operation-list";

const BASE = "/api/manage/";

export function ManageDocsPage({ document, origin }: { document: ApiDocument; origin: string }) {
  const operations = listOperations(document);
  // The session is the browser's; programs send a token in its place, and the curl line is for them.
  const context: CallContext = {
    origin,
    query: {},
    secrets: [],
    withCookies: true,
    curlHeaders: { Authorization: "Bearer $RESTED_TOKEN" },
  };
  return (
    <Page
      title="Management API"
      note={
        <>
          For programs, with a token from{" "}
          <Link href="/account" className="text-focus underline underline-offset-2">
            your account
          </Link>
          . Requests sent from here are your own, and do what they say.
        </>
      }
      actions={
        <a href="/api/manage/openapi.json" className={buttonClass("secondary")}>
          OpenAPI
        </a>
      }
    >
      {document.tags.map(({ name, description }) => (
        <Section key={name} title={name} note={description}>
          <OperationList
            document={document}
            operations={operations.filter(({ operation }) => operation.tags.includes(name))}
            context={context}
            basePath={BASE}
          />
        </Section>
      ))}
    </Page>
  );
}
