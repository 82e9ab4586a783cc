import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Follows requests and responses: sets the clock, answers what is no HTTP with 400 or 431, and ends the connection after a
/// response that says `Connection: close`.
final class MessageWatch: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let clock: ConnectionClock
  private let isLarge: @Sendable (String) -> Bool
  /// Requests without a whole response.
  private var pending = 0
  private var isReading = false
  private var hasBegunResponse = false
  private var isLast = false
  private var isClosing = false

  private let ahead: Int

  /// - Parameters:
  ///   - ahead: most requests that may wait for their answers.
  ///   - isLarge: whether a path takes large bodies.
  init(clock: ConnectionClock, ahead: Int, isLarge: @escaping @Sendable (String) -> Bool) {
    self.clock = clock
    self.ahead = ahead
    self.isLarge = isLarge
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isClosing else { return }  // whatever comes after the last word is not read
    switch unwrapInboundIn(data) {
    case .head(let head):
      pending += 1
      guard pending <= ahead else {
        isClosing = true
        return context.close(promise: nil)
      }
      isReading = true
      clock.enter(.body(isLarge: isLarge(head.path ?? "")))
      // RFC 9110 §10.1.1. With another answer under way the client finds out by itself.
      if pending == 1, !hasBegunResponse, head.headerFields[.expect]?.lowercased() == "100-continue" {
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
      }
    case .body: break
    case .end:
      isReading = false
      clock.enter(.working)
    }
    context.fireChannelRead(data)
  }

  /// Bytes that two readers could read differently (a second request hidden in the first), or a head above its limits: one
  /// answer, then the end. Nothing that comes later is read.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard error is HTTPParserError else { return context.fireErrorCaught(error) }
    guard !isClosing else { return }
    // An earlier request is still being answered: its response cannot be told apart from this one's. The connection ends.
    guard pending == (isReading ? 1 : 0), !hasBegunResponse else { return context.fireErrorCaught(error) }
    let isTooLarge = error as? HTTPParserError == .headerOverflow
    let status: HTTPResponse.Status = isTooLarge ? .requestHeaderFieldsTooLarge : .badRequest
    let fields: HTTPFields = [.connection: "close", .contentLength: "0", .cacheControl: "no-store"]
    isClosing = true
    context.write(wrapOutboundOut(.head(HTTPResponse(status: status, headerFields: fields))), promise: nil)
    context.write(wrapOutboundOut(.end(nil)), promise: nil)
    end(context)
    // Whoever reads the body learns that it broke.
    if isReading { context.fireErrorCaught(error) }
  }

  /// The last word is written; the client gets a moment to read it before the connection goes.
  private func end(_ context: ChannelHandlerContext) {
    isClosing = true
    context.flush()
    clock.enter(.closing)
    context.close(mode: .output, promise: nil)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard !isClosing else {
      promise?.fail(ChannelError.outputClosed)
      return
    }
    let promise = promise ?? context.eventLoop.makePromise()
    clock.sends(promise.futureResult)
    switch unwrapOutboundIn(data) {
    case .head(let head):
      hasBegunResponse = true
      // 1xx is followed by the response itself.
      if head.headerFields[.connection] == "close" { isLast = true }
      context.write(data, promise: promise)
    case .body: context.write(data, promise: promise)
    case .end:
      pending -= 1
      hasBegunResponse = false
      context.write(data, promise: promise)
      guard isLast else {
        if pending == 0, !isReading { clock.enter(.idle) }
        return
      }
      end(context)
    }
  }
}
