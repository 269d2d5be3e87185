import { join } from "node:path";
import { type BundlingOptions, LogLevel, OutputFormat, SourceMapMode } from "aws-cdk-lib/aws-lambda-nodejs";

/**
 * One minified ES module per function with everything that it loads, so that a cold start reads one small file. The AWS
 * SDK is in it too: the version that was tested, and only the parts in use.
 */
export const bundling: BundlingOptions = {
  format: OutputFormat.ESM,
  target: "node24",
  minify: true,
  sourceMap: true,
  sourceMapMode: SourceMapMode.EXTERNAL,
  sourcesContent: false,
  mainFields: ["module", "main"],
  // Lambda gives credentials in the environment. What the SDK would load to find others (profiles, single sign-on, roles
  // for tokens) is asked for only when those are missing.
  externalModules: ["ini", "process", "sso", "web-identity"].map(
    (source) => `@aws-sdk/credential-provider-${source}`,
  ),
  // undici leaves out its second, experimental HTTP parser when this says that a bundler is at work.
  define: { esbuildDetection: "true" },
  esbuildArgs: { "--alias:undici": join(import.meta.dirname, "bundled/undici.mjs") },
  logLevel: LogLevel.WARNING,
  // Packages that are CommonJS inside ask for Node's own modules by `require`.
  banner: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
};
