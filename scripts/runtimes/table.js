// The conformance table without a test runner.
import { gatewayCases, runCase } from "@gateway/testing/conformance";

/**
 * Runs every case over a transport, bare and inside the validator, and prints how many passed. Throws where a case fails that is not among those that the
 * transport lacks, and where one of these does not fail.
 */
export async function runTable(transport) {
  const { name, lacks = {} } = transport;
  const wrong = [];
  let passed = 0;
  for (const known of gatewayCases) {
    for (const insideValidator of known.breaks === true ? [false] : [false, true]) {
      const failure = await runCase(transport, known, insideValidator).then(
        () => undefined,
        (error) => error,
      );
      const isLacking = Object.hasOwn(lacks, known.name);
      if (failure === undefined && !isLacking) passed++;
      else if (failure !== undefined && !isLacking) wrong.push(failure.message);
      else if (failure === undefined && !insideValidator) wrong.push(`${known.name}: is known to fail, and does not`);
    }
  }
  if (wrong.length > 0) throw new Error(wrong.join("\n\n"));
  console.log(`${name} passes ${passed} cases here; ${Object.keys(lacks).length} it cannot carry`);
}
