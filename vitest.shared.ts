import type { ViteUserConfig } from "vitest/config";

/** What every workspace's vitest.config.ts hands on. Reports go beside the package, where scripts/test-summary.js adds them up. */
const config: ViteUserConfig = {
  test: {
    include: ["src/**/*.test.ts"],
    reporters: ["default", ["json", { outputFile: "test-report.json" }]],
    setupFiles: [new URL("./vitest.setup.ts", import.meta.url).pathname],
    // A test that hangs is a defect to be seen, not waited for.
    testTimeout: 60_000,
    restoreMocks: true,
  },
};
export default config;
