// A reporter for vitest: notes how long each test took, in the form that `testview -slowest` reads. Without CALLS_TIMES it does nothing.
import { appendFileSync } from 'node:fs';

export default class Times {
  onTestCaseResult(test) {
    if (process.env.CALLS_TIMES && test.result().state === 'passed') {
      appendFileSync(process.env.CALLS_TIMES, `${((test.diagnostic()?.duration ?? 0) / 1000).toFixed(3)}\t${test.module.relativeModuleId} ${test.fullName.replace(/\s+/g, ' ')}\n`);
    }
  }
}
