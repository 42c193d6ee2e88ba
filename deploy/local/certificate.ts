import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'

export interface LocalCertificate {
  /** PEM, for the servers. */
  key: string
  /** PEM, for the servers and for clients that take a `ca` option. */
  cert: string
  /** The same certificate as a file: what `NODE_EXTRA_CA_CERTS` of a worker process points at. */
  file: string
  /** Deletes the file. */
  dispose(): void
}

/**
 * Makes a self-signed certificate for `localhost`, `127.0.0.1` and `::1`, valid for seven days.
 * The Azure SDK's bearer policy refuses plain http, so the local servers speak TLS and their clients trust this file.
 */
export async function createLocalCertificate(): Promise<LocalCertificate> {
  const day = 24 * 3600 * 1000
  const made = await generate([{ name: 'commonName', value: 'incident-enricher local stack' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - day),
    notAfterDate: new Date(Date.now() + 7 * day),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  })
  const folder = mkdtempSync(join(tmpdir(), 'enricher-certificate-'))
  const file = join(folder, 'local-stack.pem')
  writeFileSync(file, made.cert)
  return { key: made.private, cert: made.cert, file, dispose: () => rmSync(folder, { recursive: true, force: true }) }
}
