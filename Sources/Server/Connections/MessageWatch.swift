import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Follows requests and responses: sets the clock, refuses what could smuggle a second request, and ends the connection after
/// a response that says `Connection: close`.
final class MessageWatch: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let clock: ConnectionClock
  private let isLarge: @Sendable (String) -> Bool
  private var pending = 0
  private var isReading = false
  private var isLast = false
  private var isClosing = false

  /// - Parameter isLarge: whether a path takes large bodies.
  init(clock: ConnectionClock, isLarge: @escaping @Sendable (String) -> Bool) {
    self.clock = clock
    self.isLarge = isLarge
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isClosing else { return }  // whatever comes after the last word is not read
    switch unwrapInboundIn(data) {
    case .head(let head):
      pending += 1
      isReading = true
      clock.enter(.body(isLarge: isLarge(head.path ?? "")))
    case .body: break
    case .end:
      isReading = false
      clock.enter(.working)
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head(let head):
      // 1xx is followed by the response itself.
      if head.headerFields[.connection] == "close" { isLast = true }
      context.write(data, promise: promise)
    case .body: context.write(data, promise: promise)
    case .end:
      pending -= 1
      context.write(data, promise: promise)
      guard isLast else {
        if pending == 0, !isReading { clock.enter(.idle) }
        return
      }
      isClosing = true
      context.flush()
      clock.enter(.closing)
      context.close(mode: .output, promise: nil)
    }
  }
}
