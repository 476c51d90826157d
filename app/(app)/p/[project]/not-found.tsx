/** Shown for unknown URLs inside a project. */
import { NotFound } from "@/src/ui/components/page/not-found";

export default function NotFoundPage() {
  return <NotFound />;
}
