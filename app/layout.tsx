/** The document: fonts, theme before the first paint, nothing that needs JavaScript. */
import type { Metadata, Viewport } from "next";
import localFont from "next/font/local";
import { headers } from "next/headers";
import type { ReactNode } from "react";
import { THEME_SCRIPT } from "@/src/ui/theme";
import "./globals.css";

/** Every page is of the moment and of a person; the build, which has no runtime, must not render any. */
export const dynamic = "force-dynamic";

const inter = localFont({ src: "./fonts/inter.woff2", variable: "--font-inter", weight: "100 900", display: "swap" });
const mono = localFont({ src: "./fonts/jetbrains-mono.woff2", variable: "--font-jetbrains-mono", weight: "100 800", display: "swap" });

export const metadata: Metadata = {
  title: { default: "Rested", template: "%s · Rested" },
  description: "Stores JSON, serves it, and streams every change over the same URL.",
  icons: { icon: { url: "/favicon.svg", type: "image/svg+xml" } },
  robots: { index: false },
};

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#fbfaf8" },
    { media: "(prefers-color-scheme: dark)", color: "#0f0f0d" },
  ],
};

export default async function RootLayout({ children }: { children: ReactNode }) {
  const nonce = (await headers()).get("x-nonce") ?? "";
  return (
    // The script below may have set the theme before React looks.
    <html lang="en" className={`${inter.variable} ${mono.variable}`} suppressHydrationWarning>
      <head>
        {/* biome-ignore lint/security/noDangerouslySetInnerHtml: a constant of ours; it must run before the first paint */}
        <script nonce={nonce} suppressHydrationWarning dangerouslySetInnerHTML={{ __html: THEME_SCRIPT }} />
      </head>
      <body>
        <div className="page-root">{children}</div>
      </body>
    </html>
  );
}
