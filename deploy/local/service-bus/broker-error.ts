/** An error as the service words it: the AMQP condition, and the status that `$management` answers with. */
export class BrokerError extends Error {
  readonly condition: string
  readonly status: number
  constructor(condition: string, status: number, message: string) {
    super(message)
    this.condition = condition
    this.status = status
  }
}

export function lockLost(): BrokerError {
  return new BrokerError(
    'com.microsoft:message-lock-lost',
    410,
    'The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.',
  )
}

export function serverBusy(): BrokerError {
  return new BrokerError(
    'com.microsoft:server-busy',
    503,
    'The request was terminated because the entity is being throttled. Please wait and try again.',
  )
}

export function messageNotFound(sequence: number): BrokerError {
  return new BrokerError('com.microsoft:message-not-found', 404, `The message with number ${sequence} was not found.`)
}

export function entityNotFound(address: string): BrokerError {
  return new BrokerError(
    'amqp:not-found',
    404,
    `The messaging entity 'sb://localhost/${address}' could not be found. To know more visit https://aka.ms/sbResourceMgrExceptions.`,
  )
}

export function messageTooLarge(bytes: number, limit: number): BrokerError {
  return new BrokerError(
    'amqp:link:message-size-exceeded',
    413,
    `The received message (size:${bytes} bytes) exceeds the limit (${limit} bytes) currently allowed on the link.`,
  )
}

export function notAllowed(why: string): BrokerError {
  return new BrokerError('amqp:not-allowed', 400, why)
}

export function notImplemented(what: string): BrokerError {
  return new BrokerError('amqp:not-implemented', 501, `${what} is not part of the local broker.`)
}

export function invalidField(why: string): BrokerError {
  return new BrokerError('amqp:invalid-field', 400, why)
}
