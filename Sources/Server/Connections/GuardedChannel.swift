import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOSSL

/// A connection of the endpoint: counted, timed, with small heads only, TLS where it ends here.
struct GuardedChannel: HTTPChannelHandler {
  typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

  let responder: HTTPChannelHandler.Responder
  let gate: ConnectionGate
  let limits: ReceiverLimits
  /// Nil: TLS does not end here.
  let certificate: CertificateInUse?
  let isLarge: @Sendable (String) -> Bool

  /// Too many connections: closed without a word, which costs the least.
  private struct Crowded: Error {}

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    let client = ReceiverContext.address(channel.remoteAddress)
    guard gate.enter(client) else {
      channel.close(promise: nil)
      return channel.eventLoop.makeFailedFuture(Crowded())
    }
    let gate = gate
    channel.closeFuture.whenComplete { _ in gate.leave(client) }
    return channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      let clock = ConnectionClock(channel: channel, limits: limits)
      let isSecure = certificate != nil
      if let certificate { try pipeline.addHandler(NIOSSLServerHandler(context: certificate.context)) }
      try pipeline.addHandler(ByteWatch(clock: clock, isSecure: isSecure))
      var decoding = NIOHTTPDecoderLimitConfiguration()
      decoding.maxHeaderFieldSize = limits.headerBytes
      decoding.maxHeaderListSize = limits.headerBytes
      decoding.maxHeaderFieldCount = limits.headerFields
      try pipeline.configureHTTPServerPipeline(
        withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
        withEncoderConfiguration: .init(), withDecoderLimitConfiguration: decoding)
      try pipeline.addHandler(HeadRules())
      try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: isSecure))
      try pipeline.addHandler(MessageWatch(clock: clock, ahead: limits.ahead, isLarge: isLarge))
      // Ends idle connections and finishes busy ones when the server stops.
      try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: nil, logger: logger))
      return try NIOAsyncChannel(
        wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    }
  }

  func handle(value: Value, logger: Logger) async { await handleHTTP(asyncChannel: value, logger: logger) }
}
