// Runs tests on the sources of all packages, with one rule switched off: GATEWAY_MUTATION says where and how.
import { fileURLToPath } from "node:url";

const path = (relative) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const mutation = JSON.parse(process.env.GATEWAY_MUTATION ?? "{}");

const entries = {
  "@gateway/core": "packages/core/src/index.ts",
  "@gateway/core/gateway": "packages/core/src/gateway.ts",
  "@gateway/validate": "packages/validate/src/index.ts",
  "@gateway/testing": "packages/testing/src/index.ts",
  "@gateway/testing/conformance": "packages/testing/src/conformance.ts",
};

export default {
  root: path(""),
  resolve: { alias: Object.entries(entries).map(([name, file]) => ({ find: new RegExp(`^${name}$`), replacement: path(file) })) },
  plugins: [
    {
      name: "switch-off",
      enforce: "pre",
      transform(code, id) {
        if (mutation.file === undefined || id !== path(mutation.file)) return null;
        if (code.split(mutation.find).length !== 2) throw new Error(`not found once in ${mutation.file}: ${mutation.find}`);
        return { code: code.replace(mutation.find, () => mutation.replace), map: null };
      },
    },
  ],
  test: { include: mutation.tests ?? [], setupFiles: [path("vitest.setup.ts")], testTimeout: 5000, bail: 1, restoreMocks: true },
};
