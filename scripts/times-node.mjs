// A reporter for node's test runner: notes how long each test of a file took, in the form that `testview -slowest` reads.
import path from 'node:path';

export default async function* times(source) {
  for await (const { type, data } of source) {
    if (type === 'test:pass' && data.details.type !== 'suite' && data.file) {
      yield `${(data.details.duration_ms / 1000).toFixed(3)}\t${path.basename(data.file)} ${data.name.replace(/\s+/g, ' ')}${process.env.TIMES_PART ? ` on ${process.env.TIMES_PART}` : ''}\n`;
    }
  }
}
