/** While a page is being read. */
import { PageSkeleton } from "@/src/ui/components/skeleton";

export default function Loading() {
  return <PageSkeleton />;
}
