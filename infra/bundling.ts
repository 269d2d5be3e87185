import { type BundlingOptions, LogLevel, OutputFormat, SourceMapMode } from "aws-cdk-lib/aws-lambda-nodejs";

/**
 * Each function is one minified ES module with everything that it loads, so that a cold start reads one small file. The
 * AWS SDK is bundled too: the tested version, and only the code in use.
 */
export const bundling: BundlingOptions = {
  format: OutputFormat.ESM,
  target: "node24",
  minify: true,
  sourceMap: true,
  sourceMapMode: SourceMapMode.EXTERNAL,
  sourcesContent: false,
  mainFields: ["module", "main"],
  externalModules: [
    // Lambda passes credentials in the environment. The SDK loads these other providers (profiles, single sign-on, roles
    // for tokens) only when those credentials are missing.
    ...["ini", "process", "sso", "web-identity"].map((source) => `@aws-sdk/credential-provider-${source}`),
    // undici has its HTTP parser twice. It loads this one, 72 kB, only on processors without SIMD, which Lambda has not.
    "*/llhttp/llhttp-wasm.js",
  ],
  // Tells undici that it is being bundled. It then leaves out its second, experimental HTTP parser.
  define: { esbuildDetection: "true" },
  logLevel: LogLevel.WARNING,
  // CommonJS code in packages loads Node's own modules with `require`.
  banner: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
};
