import NIOCore
import NIOTLS

/// Sees bytes before the HTTP decoder does: a head that trickles in counts from its first byte.
final class ByteWatch: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let clock: ConnectionClock
  private let isSecure: Bool

  init(clock: ConnectionClock, isSecure: Bool) {
    self.clock = clock
    self.isSecure = isSecure
  }

  func channelActive(context: ChannelHandlerContext) {
    clock.enter(isSecure ? .handshake : .header)
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    clock.received(unwrapInboundIn(data).readableBytes)
    context.fireChannelRead(data)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? TLSUserEvent, case .handshakeCompleted = event { clock.enter(.header) }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    clock.end()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { clock.end() }
}
