/** Reserves the space of content that is loading. Invisible for the first 150 ms. */
export function Skeleton({ width = "100%", height = 20 }: { width?: number | string; height?: number | string }) {
  return <div aria-hidden="true" className="animate-late rounded-sm bg-hover" style={{ width, height }} />;
}

/** The skeleton of the rows of a table or list. */
export function PageRows({ rows = 5, label = "Loading" }: { rows?: number; label?: string }) {
  return (
    <div role="status" aria-label={label} className="flex flex-col gap-3">
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <Skeleton key={index} height={36} />
      ))}
    </div>
  );
}

/** The skeleton of a page: a title, and rows of a table or list. */
export function PageSkeleton({ rows = 5, label = "Loading" }: { rows?: number; label?: string }) {
  return (
    <div role="status" aria-label={label} className="mx-auto flex w-full max-w-[60rem] flex-col gap-3 px-6 py-8">
      <Skeleton width={180} height={28} />
      <div className="h-3" />
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <Skeleton key={index} height={36} />
      ))}
    </div>
  );
}
