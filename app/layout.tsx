/** The document: fonts, and the theme, which is set before the first paint. */
import type { Metadata, Viewport } from "next";
import localFont from "next/font/local";
import { headers } from "next/headers";
import type { ReactNode } from "react";
import { getOrigin } from "@/app/lib/current-page";
import { getRuntime } from "@/src/runtime/registry";
import { THEME_SCRIPT } from "@/src/ui/theme";
import "./globals.css";

/** Every page depends on the user and the data. The build has no runtime and must not render pages. */
export const dynamic = "force-dynamic";

const inter = localFont({ src: "./fonts/inter.woff2", variable: "--font-inter", weight: "100 900", display: "swap" });
const mono = localFont({ src: "./fonts/jetbrains-mono.woff2", variable: "--font-jetbrains-mono", weight: "100 800", display: "swap" });

const TITLE = "Rested";
const DESCRIPTION = "Stores JSON, serves it, and streams every change over the same URL.";
const SOCIAL_PICTURE = { url: "/social.png", width: 1200, height: 630, alt: `${TITLE}: ${DESCRIPTION}` };

export async function generateMetadata(): Promise<Metadata> {
  return {
    // Social pictures need absolute URLs.
    metadataBase: new URL(await getOrigin(getRuntime().config.publicUrl)),
    title: { default: TITLE, template: `%s · ${TITLE}` },
    description: DESCRIPTION,
    icons: {
      icon: [
        { url: "/favicon.ico", sizes: "48x48" },
        { url: "/favicon.svg", type: "image/svg+xml" },
      ],
      apple: "/apple-touch-icon.png",
    },
    manifest: "/manifest.webmanifest",
    openGraph: { type: "website", siteName: TITLE, title: TITLE, description: DESCRIPTION, images: SOCIAL_PICTURE },
    twitter: { card: "summary_large_image", title: TITLE, description: DESCRIPTION, images: SOCIAL_PICTURE },
    robots: { index: false },
  };
}

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#fafaf9" },
    { media: "(prefers-color-scheme: dark)", color: "#0f0e0c" },
  ],
};

export default async function RootLayout({ children }: { children: ReactNode }) {
  const nonce = (await headers()).get("x-nonce") ?? "";
  return (
    // The script below sets the theme before React hydrates the page.
    <html lang="en" className={`${inter.variable} ${mono.variable}`} suppressHydrationWarning>
      <head>
        {/* biome-ignore lint/security/noDangerouslySetInnerHtml: a constant; it must run before the first paint */}
        <script nonce={nonce} suppressHydrationWarning dangerouslySetInnerHTML={{ __html: THEME_SCRIPT }} />
      </head>
      <body>
        <div className="page-root">{children}</div>
      </body>
    </html>
  );
}
