import type { SeedEntity } from '../seed-incident.ts'

/** `name@domain` or `DOMAIN\name`. */
export function account(name: string): SeedEntity {
  const [domain = '', windowsName] = name.split('\\')
  if (windowsName) {
    const properties = { accountName: windowsName, ntDomain: domain, isDomainJoined: true }
    return { kind: 'Account', name: windowsName, properties }
  }
  const [accountName = '', upnSuffix = ''] = name.split('@')
  const properties = { accountName, upnSuffix, displayName: name, isDomainJoined: true }
  return { kind: 'Account', name: accountName, properties }
}

export function host(hostName: string, osFamily: 'Windows' | 'Linux' = 'Windows'): SeedEntity {
  const properties = { hostName, netBiosName: hostName, dnsDomain: 'nordwerk.example', osFamily }
  return { kind: 'Host', name: hostName, properties }
}

export function ip(address: string): SeedEntity {
  return { kind: 'Ip', name: address, properties: { address } }
}

export function file(directory: string, fileName: string): SeedEntity {
  return { kind: 'File', name: fileName, properties: { directory, fileName } }
}

/** SHA-256, as hex digits. */
export function fileHash(hashValue: string): SeedEntity {
  return { kind: 'FileHash', name: `${hashValue}(SHA256)`, properties: { hashValue, algorithm: 'SHA256' } }
}

export function processRun(commandLine: string, processId: number): SeedEntity {
  return { kind: 'Process', name: commandLine, properties: { commandLine, processId: String(processId) } }
}

export function link(url: string): SeedEntity {
  return { kind: 'Url', name: url, properties: { url } }
}

export function mailbox(mailboxPrimaryAddress: string): SeedEntity {
  return {
    kind: 'Mailbox',
    name: mailboxPrimaryAddress,
    properties: { mailboxPrimaryAddress, upn: mailboxPrimaryAddress },
  }
}

export function mailMessage(recipient: string, p1Sender: string, subject: string): SeedEntity {
  return { kind: 'MailMessage', name: subject, properties: { recipient, p1Sender, subject } }
}

export function domain(domainName: string): SeedEntity {
  return { kind: 'DnsResolution', name: domainName, properties: { domainName } }
}

export function azureResource(resourceId: string): SeedEntity {
  return { kind: 'AzureResource', name: resourceId.split('/').at(-1) ?? resourceId, properties: { resourceId } }
}

export function cloudApp(appName: string): SeedEntity {
  return { kind: 'CloudApplication', name: appName, properties: { appName } }
}

export function malware(malwareName: string, category: string): SeedEntity {
  return { kind: 'Malware', name: malwareName, properties: { malwareName, category } }
}

export function registryKey(key: string): SeedEntity {
  return {
    kind: 'RegistryKey',
    name: key.split('\\').at(-1) ?? key,
    properties: { hive: 'HKEY_LOCAL_MACHINE', key },
  }
}
