/** Shown for unknown URLs outside of projects. */
import { NotFound } from "@/src/ui/components/page/not-found";

export default function NotFoundPage() {
  return <NotFound />;
}
