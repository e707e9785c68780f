// A warning of the runtime (a leaked listener, a deprecated call) is a defect: it fails the test file it comes from.
process.on("warning", (warning) => {
  throw warning;
});
