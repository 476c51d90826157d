/** The message for unknown URLs, with a link back. A plain link, because every page includes it, and not all of them need the router. */
import { buttonClass } from "../button";
import { Wordmark } from "../wordmark";

/** `withLogo`: outside of the dashboard's frame. */
export function NotFound({ withLogo = false }: { withLogo?: boolean }) {
  return (
    <div className="flex justify-center px-4 pt-[14dvh] pb-10">
      <div className="flex w-full max-w-[24rem] flex-col items-start gap-4">
        {withLogo ? <Wordmark /> : null}
        <p className="font-mono text-data text-muted">404</p>
        <div>
          <h1 className="text-title font-semibold">Page not found</h1>
          <p className="pt-1 text-prose text-muted">It may have been deleted, or it belongs to another account. Check the URL.</p>
        </div>
        <a href="/projects" className={buttonClass("secondary")}>
          Go to projects
        </a>
      </div>
    </div>
  );
}
